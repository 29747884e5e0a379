# docs/commands.md is what the tables say.
pvmscope help --format md | diff "$CLI/../../docs/commands.md" - && echo same
