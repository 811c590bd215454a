# SPDX-License-Identifier: Apache-2.0
"""Rules that say what the engine made of a request. What they log as `data` is compared too, in hexadecimal digits."""
TRANSFORMATIONS = (
    "urlDecode urlDecodeUni urlEncode lowercase uppercase jsDecode htmlEntityDecode utf8toUnicode cssDecode escapeSeqDecode removeNulls "
    "replaceNulls removeWhitespace compressWhitespace trim trimLeft trimRight cmdLine replaceComments removeComments removeCommentsChar "
    "normalizePath normalizePathWin base64Decode base64DecodeExt base64Encode hexEncode hexDecode sqlHexDecode sha1 md5 length "
    "parityEven7bit parityOdd7bit parityZero7bit").split()
COLLECTIONS = ("ARGS ARGS_GET ARGS_POST ARGS_GET_NAMES ARGS_POST_NAMES FILES FILES_NAMES FILES_SIZES MULTIPART_PART_HEADERS MULTIPART_FILENAME "
               "MULTIPART_NAME REQUEST_COOKIES REQUEST_COOKIES_NAMES REQUEST_HEADERS REQUEST_HEADERS_NAMES XML:/* XML://@*").split()
SCALARS = (
    "REQUEST_URI REQUEST_URI_RAW REQUEST_FILENAME REQUEST_BASENAME QUERY_STRING REQUEST_LINE REQUEST_METHOD REQUEST_PROTOCOL REQUEST_BODY "
    "REQUEST_BODY_LENGTH REQBODY_PROCESSOR REQBODY_ERROR REQBODY_PROCESSOR_ERROR URLENCODED_ERROR ARGS_COMBINED_SIZE FILES_COMBINED_SIZE "
    "MULTIPART_STRICT_ERROR MULTIPART_UNMATCHED_BOUNDARY MULTIPART_BOUNDARY_QUOTED MULTIPART_BOUNDARY_WHITESPACE MULTIPART_DATA_BEFORE "
    "MULTIPART_DATA_AFTER MULTIPART_HEADER_FOLDING MULTIPART_LF_LINE MULTIPART_CRLF_LF_LINES MULTIPART_MISSING_SEMICOLON "
    "MULTIPART_INVALID_QUOTING MULTIPART_INVALID_PART MULTIPART_INVALID_HEADER_FOLDING MULTIPART_FILE_LIMIT_EXCEEDED AUTH_TYPE PATH_INFO "
    "REMOTE_USER SERVER_NAME HIGHEST_SEVERITY &ARGS &REQUEST_COOKIES &FILES &REQUEST_HEADERS:x-a &ARGS:/^a/ &ARGS:t").split()

# Each stands for a question about how rules are evaluated; `say` becomes a logged pass with the data in digits.
FEATURES = r"""
# chains, captures, macros
SecRule ARGS:a "@rx ^(\w)(\w*)" "id:3001,phase:2,pass,nolog,capture,chain"
  SecRule ARGS:b "@streq %{tx.2}" "setvar:'tx.c1=%{tx.1}-%{MATCHED_VAR}-%{MATCHED_VAR_NAME}'"
say 3002 TX:c1
SecRule ARGS:a "@rx x" "id:3003,phase:2,pass,nolog,setvar:tx.first=+1,chain"
  SecRule ARGS:b "@rx y" "setvar:tx.second=+1,chain"
  SecRule ARGS:c "!@rx z" "setvar:tx.third=+1"
say 3004 TX:first
say 3005 TX:second
say 3006 TX:third
SecRule ARGS "@rx (o+)" "id:3007,phase:2,pass,nolog,capture,setvar:'tx.seen=%{tx.seen}|%{tx.1}'"
say 3008 TX:seen
SecRule ARGS:a "@rx q" "id:3009,phase:2,pass,nolog,chain"
  SecRule MATCHED_VARS "@rx w" "chain"
  SecRule MATCHED_VARS_NAMES "@rx a" "setvar:'tx.names=%{MATCHED_VAR}'"
say 3010 TX:names
# negation, counting, absence
SecRule ARGS:missing "!@rx x" "id:3011,phase:2,pass,log"
SecRule &ARGS:missing "@eq 0" "id:3012,phase:2,pass,log"
SecRule ARGS:a "!@streq 1" "id:3013,phase:2,pass,log"
SecRule ARGS|!ARGS:a "@rx x" "id:3014,phase:2,pass,log"
SecRule ARGS|!ARGS:/^A/ "@rx x" "id:3015,phase:2,pass,log"
SecRule ARGS:/^(?i:A)$/ "@rx x" "id:3016,phase:2,pass,log"
SecRule &ARGS_NAMES:/a/ "@ge 1" "id:3017,phase:2,pass,log"
SecRule ARGS:A "@rx x" "id:3018,phase:2,pass,log"
SecRule REQUEST_HEADERS:X-A "@rx x" "id:3019,phase:1,pass,log"
SecRule REQUEST_HEADERS:x-a|!REQUEST_HEADERS:X-A "@rx ." "id:3020,phase:1,pass,log"
# numbers
SecRule ARGS:n "@eq 10" "id:3021,phase:2,pass,log"
SecRule ARGS:n "@gt 9" "id:3022,phase:2,pass,log"
SecRule ARGS:n "@lt 0" "id:3023,phase:2,pass,log"
SecRule ARGS:n "@ge %{tx.limit}" "id:3024,phase:2,pass,log"
SecRule ARGS:n "!@le 5" "id:3025,phase:2,pass,log"
# texts
SecRule ARGS:a "@contains ab" "id:3031,phase:2,pass,log"
SecRule ARGS:a "@containsWord ab" "id:3032,phase:2,pass,log"
SecRule ARGS:a "@beginsWith ab" "id:3033,phase:2,pass,log"
SecRule ARGS:a "@endsWith ab" "id:3034,phase:2,pass,log"
SecRule ARGS:a "@within abc xyz 123" "id:3035,phase:2,pass,log"
SecRule ARGS:a "@strmatch b c" "id:3036,phase:2,pass,log"
SecRule ARGS:a "@pm alpha beta gamma" "id:3037,phase:2,pass,log"
SecRule ARGS:a "@streq %{ARGS.b}" "id:3038,phase:2,pass,log"
SecRule ARGS:a "@verifyCC \d{13,16}" "id:3040,phase:2,pass,log"
SecRule ARGS:a "@verifySSN \d{3}-?\d{2}-?\d{4}" "id:3041,phase:2,pass,log"
SecRule ARGS:a "@verifyCPF \d{3}\.?\d{3}\.?\d{3}-?\d{2}" "id:3042,phase:2,pass,log"
SecRule ARGS:a "@validateByteRange 32-126" "id:3043,phase:2,pass,log"
SecRule ARGS:a "@validateByteRange 0,9,10-13,48-57" "id:3044,phase:2,pass,log"
SecRule QUERY_STRING "@validateUrlEncoding" "id:3045,phase:2,pass,log"
SecRule ARGS:a "@validateUtf8Encoding" "id:3046,phase:2,pass,log"
SecRule REMOTE_ADDR "@ipMatch 127.0.0.0/8,::1" "id:3047,phase:1,pass,log"
SecRule ARGS:a "@ipMatch 10.0.0.0/8,192.168.1.7,2001:db8::/32" "id:3048,phase:2,pass,log"
SecRule ARGS:a "@rx ^a.c$" "id:3049,phase:2,pass,log"
SecRule ARGS:a "@rx (?i)^\x61[^\w]b" "id:3050,phase:2,pass,log"
SecRule ARGS:a "^plain$" "id:3051,phase:2,pass,log"
SecRule ARGS:a "@rx ^\x22q\x22$" "id:3052,phase:2,pass,log"
SecRule ARGS:a "@rx a|b\|c" "id:3053,phase:2,pass,log"
# multiMatch, and the order of transformations
SecRule ARGS:m "@rx <" "id:3061,phase:2,pass,nolog,t:none,t:lowercase,t:htmlEntityDecode,t:urlDecode,multiMatch,setvar:tx.multi=+1"
say 3062 TX:multi
SecRule ARGS:m "@rx ^a" "id:3063,phase:2,pass,log,t:lowercase,t:none,t:trim"
SecRule ARGS:m "@rx SCRIPT" "id:3064,phase:2,pass,log,t:lowercase,t:none"
# skips
SecRule ARGS:s "@streq 1" "id:3071,phase:2,pass,nolog,skipAfter:BEHIND"
SecRule REMOTE_ADDR "@unconditionalMatch" "id:3072,phase:2,pass,log"
SecMarker BEHIND
SecRule ARGS:s "@streq 2" "id:3073,phase:2,pass,nolog,skip:2"
SecRule REMOTE_ADDR "@unconditionalMatch" "id:3074,phase:2,pass,log"
SecRule REMOTE_ADDR "@unconditionalMatch" "id:3075,phase:2,pass,log"
SecRule REMOTE_ADDR "@unconditionalMatch" "id:3076,phase:2,pass,log"
SecRule ARGS:s "@streq 3" "id:3077,phase:2,pass,nolog,skip:1"
SecRule ARGS:s "@rx ." "id:3078,phase:2,pass,log,chain"
  SecRule ARGS:s "@rx ." "t:none"
SecRule REMOTE_ADDR "@unconditionalMatch" "id:3079,phase:2,pass,log"
# what a ctl takes away
SecRule ARGS:k "@streq 1" "id:3081,phase:1,pass,nolog,ctl:ruleRemoveById=3091"
SecRule ARGS:k "@streq 2" "id:3082,phase:1,pass,nolog,ctl:ruleRemoveById=3092-3093"
SecRule ARGS:k "@streq 3" "id:3083,phase:1,pass,nolog,ctl:ruleRemoveByTag=red"
SecRule ARGS:k "@streq 4" "id:3084,phase:1,pass,nolog,ctl:ruleRemoveTargetById=3091;ARGS:k"
SecRule ARGS:k "@streq 5" "id:3085,phase:1,pass,nolog,ctl:ruleRemoveTargetByTag=red;ARGS:K"
SecRule ARGS:k "@streq 6" "id:3086,phase:1,pass,nolog,ctl:ruleRemoveTargetById=3091;ARGS"
SecRule ARGS:k "@streq 7" "id:3087,phase:1,pass,nolog,ctl:ruleEngine=Off"
SecRule ARGS:k "@streq 8" "id:3088,phase:1,pass,nolog,ctl:requestBodyAccess=Off"
SecRule ARGS:k "@streq 9" "id:3089,phase:1,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule ARGS:k|ARGS:other "@rx ." "id:3091,phase:2,pass,log,tag:red"
SecRule ARGS:k "@rx ." "id:3092,phase:2,pass,log,tag:blue"
SecRule ARGS:k "@rx ." "id:3093,phase:2,pass,log,tag:red,tag:blue"
SecRule ARGS:k "@rx ." "id:3094,phase:2,pass,log,chain,tag:red"
  SecRule ARGS:other "@rx ." "t:none"
# what directives change
SecRule ARGS:u|ARGS:v "@rx ." "id:3101,phase:2,pass,log"
SecRuleUpdateTargetById 3101 "!ARGS:u"
SecRule ARGS:u "@rx ." "id:3102,phase:2,pass,log"
SecRuleUpdateTargetById 3102 "ARGS:v"
SecRule ARGS:u "@rx ." "id:3103,phase:2,pass,log,tag:gone"
SecRuleRemoveByTag gone
SecRule ARGS:u "@rx ." "id:3104,phase:2,pass,log,msg:'to be left out'"
SecRuleRemoveByMsg "to be left out"
SecRule ARGS:u "@rx ." "id:3105,phase:2,pass,log,tag:some"
SecRuleUpdateTargetByTag some "!ARGS:u"
# variables
SecAction "id:3111,phase:1,pass,nolog,setvar:tx.limit=7,setvar:tx.n=5,setvar:tx.n=+3,setvar:tx.n=-1,setvar:'tx.k_%{REQUEST_METHOD}=v'"
say 3112 TX:n
say 3113 TX:k_get
SecRule ARGS:w "@rx ." "id:3114,phase:2,pass,nolog,setvar:tx.w=%{MATCHED_VAR},setvar:tx.w=+2,setvar:!tx.limit"
say 3115 TX:w
say 3116 TX:limit
SecRule TX:/^K_/ "@rx v" "id:3117,phase:2,pass,log"
SecRule ARGS:a "@rx ." "id:3118,phase:2,pass,log,severity:ERROR,logdata:'%{RULE.id} %{RULE.severity} %{TX.absent}.%{ARGS.absent}.%{ARGS.a}'"
SecRule ARGS:w "@rx (a)(b)?(c)" "id:3119,phase:2,pass,nolog,capture,setvar:'tx.groups=%{tx.0}.%{tx.1}.%{tx.2}.%{tx.3}'"
say 3120 TX:groups
SecRule ARGS:w "@rx nothing" "id:3121,phase:2,pass,nolog,capture"
say 3122 TX:1
SecRule ARGS:g "@rx ." "id:3123,phase:2,pass,nolog,initcol:global=g1,setvar:global.seen=+1"
SecRule GLOBAL:seen "@ge 1" "id:3124,phase:2,pass,log"
# JSON and XML
SecRule ARGS:json.a "@rx ." "id:3131,phase:2,pass,log"
SecRule ARGS:/^json\..*b/ "@rx ." "id:3132,phase:2,pass,log"
SecRule XML:/a/b "@rx ." "id:3133,phase:2,pass,log"
SecRule XML:/a/b/text() "@rx ^x$" "id:3134,phase:2,pass,log"
SecRule XML://@c "@rx ." "id:3135,phase:2,pass,log"
SecRule &XML:/* "@ge 1" "id:3136,phase:2,pass,log"
"""


def say(number, target):
    return (f'SecRule {target} "@unconditionalMatch" "id:{number},phase:2,pass,log,t:none,t:hexEncode,'
            f"logdata:'%{{MATCHED_VAR}}',msg:'data'\"\n")


def rules():
    lines = ["SecRuleRemoveById 200002 200003 200004 200007\n"]
    for i, name in enumerate(TRANSFORMATIONS):
        lines.append(f'SecRule ARGS:t "@unconditionalMatch" "id:{1000 + i},phase:2,pass,log,t:none,t:{name},t:hexEncode,'
                     f"logdata:'%{{MATCHED_VAR}}',msg:'data'\"\n")
    for i, name in enumerate(SCALARS):
        lines.append(say(2000 + i, name))
    for i, name in enumerate(COLLECTIONS):
        lines.append(f'SecRule {name} "@unconditionalMatch" "id:{2200 + i},phase:2,pass,nolog,t:none,t:hexEncode,'
                     f"setvar:'tx.all{i}=%{{tx.all{i}}} %{{MATCHED_VAR_NAME}}:%{{MATCHED_VAR}}'\"\n")
        lines.append(f'SecRule TX:all{i} "@unconditionalMatch" "id:{2300 + i},phase:2,pass,log,t:none,logdata:\'%{{MATCHED_VAR}}\',msg:\'data\'"\n')
    for line in FEATURES.splitlines(True):
        lines.append(say(*line.split()[1:]) if line.startswith("say ") else line)
    return "".join(lines)


def subject(number):
    """What a rule's id asks about: a transformation, a variable, or nothing."""
    for first, names in ((1000, TRANSFORMATIONS), (2000, SCALARS), (2300, COLLECTIONS)):
        if first <= number < first + len(names):
            return names[number - first]
    return ""
