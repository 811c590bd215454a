/* SPDX-License-Identifier: Apache-2.0 */
/* What the gRPC receiver uses of libnghttp2's interface (version 14 of its library, which libcurl
 * brings along): its headers are a package that nothing else here needs. */
#ifndef SIDEGATE_TESTS_UNIT_EXPORTERS_NGHTTP2_WORDS_H
#define SIDEGATE_TESTS_UNIT_EXPORTERS_NGHTTP2_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct nghttp2_session nghttp2_session;
typedef struct nghttp2_session_callbacks nghttp2_session_callbacks;
typedef struct nghttp2_settings_entry nghttp2_settings_entry;

enum { NGHTTP2_DATA = 0, NGHTTP2_HEADERS = 1 };
enum { NGHTTP2_FLAG_NONE = 0, NGHTTP2_FLAG_END_STREAM = 1, NGHTTP2_NV_FLAG_NONE = 0 };
enum { NGHTTP2_DATA_FLAG_EOF = 1, NGHTTP2_DATA_FLAG_NO_END_STREAM = 2 };
enum { NGHTTP2_REFUSED_STREAM = 7 };

typedef struct {
    uint8_t *name, *value;
    size_t namelen, valuelen;
    uint8_t flags;
} nghttp2_nv;

typedef struct {
    size_t length;
    int32_t stream_id;
    uint8_t type, flags, reserved;
} nghttp2_frame_hd;

typedef struct {
    nghttp2_frame_hd hd; /* what stands behind it depends on the type */
} nghttp2_frame;

typedef union {
    int fd;
    void *ptr;
} nghttp2_data_source;

typedef ssize_t (*nghttp2_read)(nghttp2_session *session, int32_t stream, uint8_t *to, size_t size,
                                uint32_t *flags, nghttp2_data_source *source, void *context);
typedef struct {
    nghttp2_data_source source;
    nghttp2_read read_callback;
} nghttp2_data_provider;

typedef int (*nghttp2_on_frame)(nghttp2_session *session, const nghttp2_frame *frame,
                                void *context);
typedef int (*nghttp2_on_header)(nghttp2_session *session, const nghttp2_frame *frame,
                                 const uint8_t *name, size_t name_len, const uint8_t *value,
                                 size_t value_len, uint8_t flags, void *context);
typedef int (*nghttp2_on_data)(nghttp2_session *session, uint8_t flags, int32_t stream,
                               const uint8_t *bytes, size_t len, void *context);

int nghttp2_session_callbacks_new(nghttp2_session_callbacks **callbacks);
void nghttp2_session_callbacks_del(nghttp2_session_callbacks *callbacks);
void nghttp2_session_callbacks_set_on_frame_recv_callback(nghttp2_session_callbacks *callbacks,
                                                          nghttp2_on_frame on_frame);
void nghttp2_session_callbacks_set_on_header_callback(nghttp2_session_callbacks *callbacks,
                                                      nghttp2_on_header on_header);
void nghttp2_session_callbacks_set_on_data_chunk_recv_callback(nghttp2_session_callbacks *callbacks,
                                                               nghttp2_on_data on_data);
int nghttp2_session_server_new(nghttp2_session **session,
                               const nghttp2_session_callbacks *callbacks, void *context);
void nghttp2_session_del(nghttp2_session *session);
int nghttp2_submit_settings(nghttp2_session *session, uint8_t flags,
                            const nghttp2_settings_entry *entries, size_t count);
int nghttp2_submit_response(nghttp2_session *session, int32_t stream, const nghttp2_nv *fields,
                            size_t count, const nghttp2_data_provider *provider);
int nghttp2_submit_trailer(nghttp2_session *session, int32_t stream, const nghttp2_nv *fields,
                           size_t count);
int nghttp2_submit_rst_stream(nghttp2_session *session, uint8_t flags, int32_t stream,
                              uint32_t error);
ssize_t nghttp2_session_mem_recv(nghttp2_session *session, const uint8_t *bytes, size_t len);
ssize_t nghttp2_session_mem_send(nghttp2_session *session, const uint8_t **out);

#endif
