# Turns SQL files into C. Run from the source folder:
#
#   awk -v mode=header  -f gen-sql.awk FILE.sql...   enum sql_id, for store/sql.h
#   awk -v mode=source  -f gen-sql.awk FILE.sql...   their names and texts, for store/sql_gen.c
#   awk -v mode=scripts -f gen-sql.awk FILE.sql...   whole files, for store/schema_gen.c
#
# Named statements are described in src/store/sql/README.md.

function fail(message)
{
	print FILENAME ":" FNR ": " message > "/dev/stderr"
	failed = 1
	exit 1
}

# gsub() treats backslashes in its replacement differently from awk to awk; this does not.
function replaced(text, from, to,    parts, n, i, out)
{
	n = split(text, parts, from)
	out = parts[1]
	for (i = 2; i <= n; i++)
		out = out to parts[i]
	return out
}

# As the inside of a C string literal.
function quoted(text)
{
	text = replaced(text, "\\\\", "\\\\")
	text = replaced(text, "\"", "\\\"")
	return replaced(text, "\t", "\\t")
}

function finish_block()
{
	if (block == "")
		return
	text = block_text
	sub(/[ \t\n;]+$/, "", text)
	if (text == "")
		fail("statement " block " is empty")
	texts[block, dialect] = text
	block = ""
}

function start_block(    words, n)
{
	finish_block()
	n = split($0, words, /[ \t]+/)
	block = words[3]
	dialect = n > 3 ? words[4] : "both"
	if (block !~ /^[a-z][a-z0-9_]*$/)
		fail("bad statement name \"" block "\"")
	if (n > 4 || (dialect != "both" && dialect != "sqlite" && dialect != "postgres"))
		fail("bad database for " block ": sqlite or postgres")
	if ((block, dialect) in texts)
		fail("statement " block " is there twice")
	texts[block, dialect] = ""
	if (!(block in known)) {
		known[block] = 1
		names[++count] = block
	}
	block_text = ""
}

function text_for(name, database)
{
	if ((name, database) in texts)
		return texts[name, database]
	if ((name, "both") in texts)
		return texts[name, "both"]
	print "statement " name " has no text for " database > "/dev/stderr"
	failed = 1
	exit 1
}

function print_text(text,    lines, n, i)
{
	n = split(text, lines, "\n")
	for (i = 1; i <= n; i++)
		printf "\t\t\"%s%s\"%s", quoted(lines[i]), i < n ? "\\n" : "", i < n ? "\n" : ",\n"
}

function print_header(    i)
{
	print "/* Made by gen-sql.awk from src/store/sql; change it there. */"
	print "#ifndef FF_STORE_SQL_H\n#define FF_STORE_SQL_H\n\nenum sql_id {"
	for (i = 1; i <= count; i++)
		printf "\tSQL_%s,\n", toupper(names[i])
	print "\tSQL_COUNT\n};\n\n#endif"
}

function print_source(    i)
{
	print "/* Made by gen-sql.awk from src/store/sql; change it there. */"
	print "#include \"store/backend.h\"\n\nconst struct sql_text sql_texts[SQL_COUNT] = {"
	for (i = 1; i <= count; i++) {
		printf "\t{\"%s\",\n", names[i]
		print_text(text_for(names[i], "sqlite"))
		print_text(text_for(names[i], "postgres"))
		print "\t},"
	}
	print "};"
}

BEGIN {
	if (mode == "scripts") {
		print "/* Made by gen-sql.awk from src/store/sql/schema; change it there. */"
		print "#include \"store/schema_parts.h\"\n\nconst struct schema_script schema_scripts[] = {"
	}
}

mode == "scripts" && FNR == 1 {
	if (NR > 1)
		print "\t\t\"\"},"
	base = FILENAME
	sub(/^.*\//, "", base)
	sub(/\.sql$/, "", base)
	printf "\t{\"%s\",\n", base
}
mode == "scripts" {
	printf "\t\t\"%s\\n\"\n", quoted($0)
	next
}

/^-- name:/ {
	start_block()
	next
}
/^[ \t]*--/ || /^[ \t]*$/ {
	next
}
block == "" {
	fail("text before the first \"-- name:\"")
}
{
	block_text = block_text $0 "\n"
}

END {
	if (failed)
		exit 1
	if (mode == "scripts") {
		print "\t\t\"\"},\n\t{0, 0}\n};"
		exit 0
	}
	finish_block()
	if (mode == "header")
		print_header()
	else
		print_source()
}
