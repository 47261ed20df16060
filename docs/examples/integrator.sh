#!/bin/sh
# What an integrator does with the API, from the first token to the last clean-up, with curl alone (and Python to pick
# values out of JSON). It ends with another status than 0 at the first answer that is not as it should be.
#
#     QIS_URL=https://images.example.com QIS_USER=admin QIS_PASSWORD=… docs/examples/integrator.sh [PICTURE…]
#
# The user must be a super-user. QIS_CA_FILE names the server's certificate, if it is one that nobody else vouches for.
# Without pictures it paints two. All that it makes has a name that begins with "example", and is removed at the end.
set -eu
umask 077

: "${QIS_USER:?}" "${QIS_PASSWORD:?}"
site=${QIS_URL:-https://127.0.0.1:8443}
api=$site/api/v1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
run=example-$(date +%s)-$$

# --- Tools

fail() {
    echo "FAILED: $*" >&2
    [ ! -s "$work/answer" ] || head -c 2000 "$work/answer" >&2
    exit 1
}

step() { echo "* $*"; }

# ask URL [curl's options…]: asks as $me, and sets $status; the answer is in $work/answer, its head in $work/head.
# Tokens and passwords are in files for curl: what stands on a command line, everybody on the machine can read.
ask() {
    url=$1
    shift
    : >"$work/answer"
    status=$(curl --silent --show-error --max-time 60 ${QIS_CA_FILE:+--cacert "$QIS_CA_FILE"} --config "$work/$me" \
        --dump-header "$work/head" --output "$work/answer" --write-out '%{http_code}' "$@" "$url") || fail "$url"
}

# call PATH [curl's options…]: a call of the API that is to be done: 200 to 299.
call() {
    path=$1
    shift
    ask "$api$path" "$@"
    case $status in 2??) ;; *) fail "$path: status $status" ;; esac
}

# refused STATUS PATH [curl's options…]: a call of the API that is to be refused in this way.
refused() {
    wanted=$1 path=$2
    shift 2
    ask "$api$path" "$@"
    [ "$status" = "$wanted" ] || fail "$path: status $status, not $wanted"
}

# data KEY/KEY…: a value out of the last answer's data. Numbers count the entries of lists.
data() {
    python3 -c '
import json, sys
value = json.load(sys.stdin)["data"]
for key in filter(None, sys.argv[1].split("/")):
    value = value[int(key)] if isinstance(value, list) else value[key]
print(json.dumps(value) if isinstance(value, (bool, dict, list)) or value is None else value)' "$1" <"$work/answer"
}

# count: how many entries the last answer's data has.
count() { python3 -c 'import json, sys; print(len(json.load(sys.stdin)["data"]))' <"$work/answer"; }

# header NAME: out of the last answer's head.
header() { sed -n "s/^$1: *//Ip" "$work/head" | tr -d '\r'; }

# is VALUE WANTED: compares.
is() { [ "$1" = "$2" ] || fail "it is '$1', not '$2'"; }

# log_in NAME PASSWORD AS: gets a token; AS is how $me calls this person.
log_in() {
    quoted=$(printf '%s:%s' "$1" "$2" | sed 's/[\\"]/\\&/g')
    printf 'user = "%s"\n' "$quoted" >"$work/password"
    me=password
    call /token/ --request POST
    printf 'user = "%s:"\n' "$(data token)" >"$work/$3"
    rm "$work/password"
    me=$3
}

# finished TASK: waits until a task is over. It is an error if that has failed.
finished() {
    tries=0
    call "/admin/tasks/$1/"
    until [ "$(data status)" = 2 ]; do
        [ $((tries += 1)) -le 600 ] || fail "task $1 does not end"
        sleep 1
        call "/admin/tasks/$1/"
    done
    case $(data result) in *'"exception"'*) fail "task $1" ;; esac
}

# paint FILE RED: a picture of 640 × 480 pixels.
paint() {
    python3 -c '
import sys
pixels = bytes(value for y in range(480) for x in range(640) for value in (int(sys.argv[2]), x * 255 // 640, y // 2))
open(sys.argv[1], "wb").write(b"P6 640 480 255\n" + pixels)' "$1" "$2"
}

# --- The way

: >"$work/nobody"
me=nobody
step "What answers at $site?"
call /version/
echo "  $(data name) $(data version 2>/dev/null || true)"

step "A token, for an hour"
log_in "$QIS_USER" "$QIS_PASSWORD" admin
call /session/
is "$(data user/username)" "$QIS_USER"

step "A group that may make portfolios, and a user in it"
password=$(python3 -c 'import secrets; print(secrets.token_urlsafe(18))')
printf '%s' "$password" >"$work/new"
call /admin/groups/ -d "name=$run" -d description= -d group_type=2 -d access_folios=1
group=$(data id)
call /admin/users/ -d "username=$run" --data-urlencode "password@$work/new" -d first_name=Example -d last_name= \
    -d email= -d auth_type=1 -d allow_api=1
user=$(data id)
refused 409 /admin/users/ -d "username=$run" --data-urlencode "password@$work/new" -d first_name=Example \
    -d last_name= -d email= -d auth_type=1 -d allow_api=1
call "/admin/groups/$group/members/" -d "user_id=$user"

step "A folder that only this group may see"
call /admin/filesystem/folders/ -d "path=/$run"
top=$(data id)
for of in 1 2; do # Public, and Normal users: whoever has logged in
    call /admin/permissions/ -d "group_id=$of" -d "folder_id=$top" -d access=0
done
call /admin/permissions/ -d "group_id=$group" -d "folder_id=$top" -d access=60
call /admin/permissions/trace/ --get -d "path=/$run" -d "user_id=$user"
is "$(data access)" 60
call /admin/permissions/trace/ --get -d "path=/$run"
is "$(data access)" 0

step "The user logs in, and makes folders; a request that is sent twice is done once"
log_in "$run" "$password" editor
call /admin/filesystem/folders/ -d "path=/$run/web/teasers"
call /admin/filesystem/folders/ -H "Idempotency-Key: $run" -d "path=/$run/print"
print=$(data id)
call /admin/filesystem/folders/ -H "Idempotency-Key: $run" -d "path=/$run/print"
is "$(data id)" "$print"
refused 403 /admin/filesystem/folders/ -d "path=/$run-elsewhere"

step "Pictures are uploaded, each with an outcome of its own"
if [ $# -eq 0 ]; then
    paint "$work/red.ppm" 220
    paint "$work/green.ppm" 40
    set -- "$work/red.ppm" "$work/green.ppm"
fi
[ $# -ge 2 ] || fail "give two pictures, or none"
echo "not a picture" >"$work/notes.txt"
call /upload/ -F "path=/$run/web" -F overwrite=no -F "files=@$1;filename=one.${1##*.}" -F "files=@$2;filename=two.${2##*.}"
one=$(data "one.${1##*.}/id")
two=$(data "two.${2##*.}/id")
refused 409 /upload/ -F "path=/$run/web" -F overwrite=no -F "files=@$1;filename=one.${1##*.}"
refused 415 /upload/ -F "path=/$run/web" -F overwrite=rename -F "files=@$work/notes.txt" \
    -F "files=@$1;filename=one.${1##*.}" # the second of them has arrived
call /list/ --get -d "path=/$run/web"
is "$(count)" 3

step "They are described; whoever comes second with an old version is refused"
call "/admin/images/$one/"
etag=$(header ETag)
call "/admin/images/$one/" --request PATCH -H "If-Match: $etag" --data-urlencode "title=One of two" \
    -d "description=Painted for $run"
refused 412 "/admin/images/$one/" --request PATCH -H "If-Match: $etag" -d title=Another
is "$(data title)" "One of two"
call /batch/ -H 'Content-Type: application/json' -d "{\"operations\": [
    {\"method\": \"PATCH\", \"path\": \"/admin/images/$two/\", \"body\": {\"title\": \"Two of two\"}},
    {\"method\": \"GET\", \"path\": \"/admin/images/$two/\"}]}"
is "$status" 207
is "$(data 0/status)" 200
src=$(data 1/data/src)

step "They are found by words and tags, by those who may see them"
call "/admin/images/$one/metadata/" --request PATCH --data-urlencode 'tags=["example", "red"]'
call /search/images/ --get -d q=painted -d "folder=/$run" -d tags=red
is "$(count)" 1
is "$(data 0/id)" "$one"
me=nobody
refused 403 /search/images/ --get -d q=painted -d "folder=/$run"
call /search/images/ --get --data-urlencode "q=\"$run\""
is "$(count)" 0
me=editor

step "Lists come in pages, and with all details"
call /list/ --get -d "path=/$run/web" -d attributes=1 -d limit=2
is "$(count)" 2
is "$(header X-Total-Count)" 3
next=$(header Link | sed -n 's/^<\([^>]*\)>; rel="next".*/\1/p')
ask "$site$next"
is "$status" 200
is "$(count)" 1
call /details/ --get --data-urlencode "src=$src"
is "$(data title)" "Two of two"

step "A rendition, for the user but not for everybody"
ask "$(data url)&width=200&format=jpg"
is "$status $(header Content-Type)" "200 image/jpeg"
me=nobody
ask "$site/image" --get --data-urlencode "src=$src" -d width=200
is "$status" 403
me=editor

step "A file and a folder move, and keep their ids"
call "/admin/filesystem/images/$two/" --request PUT --data-urlencode "path=/$run/web/teasers/${src##*/}"
refused 404 /details/ --get --data-urlencode "src=$src"
call "/admin/filesystem/folders/$print/" --request PUT -H 'Prefer: wait=0' -d "path=/$run/paper"
[ "$status" != 202 ] || finished "$(data id)" # without the header it would have waited for us, up to 30 seconds
call "/admin/filesystem/folders/$print/"
is "$(data path)" "/$run/paper"

step "A template, which super-users make and everybody may use"
me=admin
call /admin/templates/ -d "name=$run" -d description= \
    --data-urlencode 'template={"width": {"value": 120}, "format": {"value": "png"}}'
template=$(data id)
me=editor
call "/admin/images/$one/"
ask "$(data url)&tmp=$run"
is "$status $(header Content-Type)" "200 image/png"

step "A portfolio for everybody, with both pictures"
call /portfolios/ -d "human_id=$run" --data-urlencode "name=Example portfolio" -d description= \
    -d internal_access=20 -d public_access=20
portfolio=$(data id)
call "/portfolios/$portfolio/images/" -d "image_id=$one"
call "/portfolios/$portfolio/images/" -d "image_id=$two" --data-urlencode 'image_parameters={"flip": {"value": "h"}}'
call "/portfolios/$portfolio/images/$two/position/" --request PUT -d index=0
is "$(data 0/image_id)" "$two"

step "It is published as a zip, which a task makes"
call "/portfolios/$portfolio/exports/" -d description=Web -d originals=0 -d expiry_time=2099-12-31 \
    --data-urlencode 'image_parameters={"width": {"value": 300}, "format": {"value": "jpg"}}'
is "$status" 202
export=$(data id)
tries=0
until [ "$(data state)" = ready ]; do
    case $(data state) in waiting | running) ;; *) fail "the zip is $(data state)" ;; esac
    [ $((tries += 1)) -le 120 ] || fail "the zip is not made"
    sleep 0.5
    call "/portfolios/$portfolio/exports/$export/"
done
zip=$(data url)
me=nobody
ask "$zip"
is "$status $(header Content-Type)" "200 application/zip"
is "$(python3 -c 'import sys, zipfile; print(len(zipfile.ZipFile(sys.argv[1]).namelist()))' "$work/answer")" 2
ask "$site/portfolios/$run/"
is "$status" 200
me=editor

step "Everything is removed again; the trash is emptied of it"
call "/portfolios/$portfolio/" --request DELETE
call "/admin/filesystem/images/$one/" --request DELETE
refused 403 "/admin/filesystem/folders/$top/" --request DELETE
me=admin
call "/admin/filesystem/folders/$top/" --request DELETE
call /admin/trash/
for entry in $(python3 -c 'import json, sys
print(*(one["id"] for one in json.load(sys.stdin)["data"] if one["path"].startswith("/" + sys.argv[1])))' \
    "$run" <"$work/answer"); do
    call "/admin/trash/$entry/" --request DELETE
done
call "/admin/templates/$template/" --request DELETE
call "/admin/groups/$group/" --request DELETE
call "/admin/users/$user/" --request DELETE
is "$(data status)" 0

step "The tokens end: the user's with the account, one's own on demand"
me=editor
refused 401 /admin/templates/
me=admin
call /token/ --request DELETE
refused 401 /admin/templates/
echo "All is as it should be."
