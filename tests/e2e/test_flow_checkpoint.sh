#!/bin/sh
# Flow files with a program in them: what `flowfile flows` says of them, and that no process and no file is left, however a run ends.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${abs_top_builddir:-$top/build}
# shellcheck source=tests/e2e/engine_lib.sh
. "$top/tests/e2e/engine_lib.sh"
# shellcheck source=tests/e2e/cli_lib.sh
. "$top/tests/e2e/cli_lib.sh"

mkdir "$dir/temp"
TMPDIR=$dir/temp
export TMPDIR
cd "$dir"

# flow NAME SETTINGS: rows, a command of these settings, a file NAME.csv.
flow()
{
	cat >"$1.yaml" <<END
flowfile_version: 0.16.0
flowfile_id: 1
flowfile_name: $1
flowfile_settings: {}
nodes:
- id: 1
  type: manual_input
  outputs: [2]
  setting_input:
    raw_data_format:
      columns: [{name: id, data_type: Int64}, {name: größe, data_type: String}]
      data: [[1, 2, null], ["x", null, "z"]]
- id: 2
  type: command
  input_ids: [1]
  outputs: [3]
  setting_input: {$2}
- id: 3
  type: output
  input_ids: [2]
  setting_input: {output_settings: {abs_file_path: $dir/$1.csv, file_type: csv}}
END
}

# gone FILE: the process whose id is in the file does not live; nobody may be there to wait for it.
# shellcheck disable=SC2317 # called by until_true
gone()
{
	! grep -q '^State:[[:space:]]*[^Z]' "/proc/$(cat "$1")/status" 2>/dev/null
}

# shellcheck disable=SC2317 # called by until_true
empty()
{
	[ -z "$(ls -A "$dir/temp")" ]
}

# shellcheck disable=SC2317 # called by until_true
nonempty()
{
	[ -s "$1" ]
}

# --- by hand

# shellcheck disable=SC2016 # the command's own
flow copy 'command: "echo begun; cp \"$FLOWFILE_INPUT\" \"$FLOWFILE_OUTPUT\"; echo done >&2"'
ok flows check copy.yaml
out 'command       -     checkpoint  a program, which is run on files of its inputs'
ok flows plan copy.yaml
out '-- node 1 (manual_input), input 1 of node 2 (command)'
out '-- node 3 (output): not before node 2 (command) has run a program'
ok run flow copy.yaml
out '[node 2] begun'
out '[node 2] done'
out 'node 2 (command): 3 rows in '
[ "$(cat copy.csv)" = "$(printf 'id,größe\n1,x\n2,\n,z')" ] || fail "copied: $(cat copy.csv)"
until_true empty

flow typed 'command: "echo >ran", columns: [{name: n, data_type: Int64}]'
ok flows plan typed.yaml
out '-- node 3 (output)'
out 'SELECT * FROM n2'
ok flows plan typed.yaml --output 1
not_out 'node 2'
[ ! -e ran ] || fail 'a plan runs nothing'

flow broken 'command: "echo the table is locked >&2; exit 3"'
run 1 run flow broken.yaml
err 'node 2 (command): it exited with 3: the table is locked'
until_true empty

# --- Python, and what stays Flowfile's

cat >models.yaml <<'END'
flowfile_version: 0.16.0
flowfile_id: 1
flowfile_name: models
flowfile_settings: {}
nodes:
- {id: 1, type: command, outputs: [2], setting_input: {command: "echo >ran"}}
- {id: 2, type: python_script, input_ids: [1], outputs: [3], setting_input: {python_script_input: {code: "1"}}}
- {id: 3, type: train_model, input_ids: [2]}
- {id: 4, type: my_own_node}
END
run 1 flows check models.yaml
out 'python_script  -     checkpoint   Python code, which is run on files of its inputs in a process of its own'
out 'train_model    -     unsupported  models are kept by Flowfile'
out "my_own_node    -     unsupported  a type of the user's own, whose code is not in the flow"
sed -e '/train_model/d' -e '/my_own/d' -e 's/ outputs: \[3\],//' models.yaml >script.yaml
FLOWFILE_PYTHON=/nowhere/python
export FLOWFILE_PYTHON
run 1 run flow script.yaml
err 'node 2 (python_script): it is Python code, and there is no /nowhere/python'
unset FLOWFILE_PYTHON
[ ! -e ran ] || fail 'nothing runs before the interpreter is known to be there'

# --- told to end, and killed without a word

# shellcheck disable=SC2016 # the command's own
flow long 'command: "sleep 600 | cat & echo $! >child; echo $$ >shell; wait"'
for signal in TERM INT KILL; do
	rm -f child shell
	"$flowfile" run flow long.yaml >log 2>&1 &
	pid=$!
	background=$pid
	until_true nonempty shell
	kill -$signal $pid
	status=0
	wait $pid || status=$?
	background=
	[ "$(kill -l $status)" = $signal ] || fail "$signal ends the run with $status"
	until_true gone shell
	until_true gone child
	[ $signal = KILL ] || until_true empty
done
rm -rf "$dir"/temp/*

# --- by the scheduler

run 0 init
run 0 flows register "$dir/long.yaml" --name long
run 0 flows register "$dir/broken.yaml" --name broken
rm -f child shell
start_scheduler
run 0 flows run long
until_true nonempty shell
run 0 runs cancel 1
until_true gone shell
until_true gone child
until_true empty
run 1 flows run broken --wait
ok runs logs 2
out 'node 2 (command): it exited with 3: the table is locked'
end_scheduler TERM

exit $failed
