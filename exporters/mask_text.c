/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of any kind, read from the left for two things at once: values whose names announce secrets
 * (named_values.h), and words that read as secrets by themselves. */
#include "exporters/mask.h"

#include "exporters/named_values.h"
#include "exporters/secret_places.h"

/* Of a word, with what may be the end of an escape in front of it or without. */
static struct cut cut_of_word(struct span text, size_t at, size_t end)
{
    for (size_t next = at;; at = next) {
        size_t said;
        struct span word = span_make(text.at + at, end - at);
        if (word_is_placed(span_first(text, at), word))
            return (struct cut){at, end};
        size_t len = secret_word_length(span_from(text, at), word, &said);
        if (len > 0)
            return (struct cut){at + said, at + len};
        next = behind_escape(text, at);
        if (next == at)
            return cut_none();
    }
}

/* The next word from there on that is a secret by how it reads. */
static struct cut next_word(struct span text, size_t at)
{
    while (at < text.len) {
        struct span rest = span_from(text, at);
        struct span word = span_first(rest, word_length(rest));
        struct cut cut = word.len > 0 ? cut_of_word(text, at, at + word.len) : cut_none();
        if (!cut_is_none(cut))
            return cut;
        at += word.len > 0 ? word.len : 1;
    }
    return cut_none();
}

/* What is to go next: a value, a word, or both where they overlap. */
struct cuts {
    struct named_values values;
    struct cut named, word;
};

static struct cut next_cut(struct cuts *cuts)
{
    struct cut *named = &cuts->named, *word = &cuts->word;
    if (cut_is_none(*named) && cut_is_none(*word))
        return cut_none();
    bool names_first = cut_is_none(*word) || (!cut_is_none(*named) && named->at <= word->at);
    struct cut first = names_first ? *named : *word, other = names_first ? *word : *named;
    if (!cut_is_none(other) && other.at < first.end && other.end > first.end)
        first.end = other.end;
    while (!cut_is_none(*named) && named->at < first.end) {
        first.end = named->end > first.end ? named->end : first.end;
        *named = named_values_next(&cuts->values);
    }
    if (!cut_is_none(*word) && word->at < first.end)
        *word = next_word(cuts->values.text, first.end);
    return first;
}

static struct cuts cuts_of(struct span text)
{
    struct cuts cuts = {.values = {.text = text}};
    cuts.named = named_values_next(&cuts.values);
    cuts.word = next_word(text, 0);
    return cuts;
}

void text_mask_secrets(struct buf *to, struct span text)
{
    struct cuts cuts = cuts_of(text);
    size_t copied = 0;
    struct cut cut;
    while (!cut_is_none(cut = next_cut(&cuts))) {
        buf_add(to, span_make(text.at + copied, cut.at - copied));
        buf_add(to, SPAN(MASK));
        copied = cut.end;
    }
    buf_add(to, span_from(text, copied));
}

void text_each_secret(struct span text, void (*found)(void *to, struct span secret), void *to)
{
    struct cuts cuts = cuts_of(text);
    struct cut cut;
    while (!cut_is_none(cut = next_cut(&cuts)))
        found(to, span_make(text.at + cut.at, cut.end - cut.at));
}

size_t text_secrets(struct span text, struct span *to, size_t most)
{
    struct cuts cuts = cuts_of(text);
    size_t count = 0;
    struct cut cut;
    while (count < most && !cut_is_none(cut = next_cut(&cuts)))
        to[count++] = span_make(text.at + cut.at, cut.end - cut.at);
    return count;
}

bool text_may_have_secrets(struct span text)
{
    struct named_values values = {.text = text};
    return !cut_is_none(named_values_next(&values)) || text_has_secret(text);
}
