"""What lies in the root of the repository: these names and no others."""

from common import files, main

ALLOWED = set("""
.ci .clang-format .clang-tidy .gitattributes .gitignore .luacheckrc .luarc.json .stylua.toml
CMakeLists.txt LICENSE README.md docs engine examples lualib scripts tests
""".split())


def check(root):
    for name in sorted({f.split("/")[0] for f in files(root)} - ALLOWED):
        yield f"{name}:1: does not belong into the root; find its room in docs/map.md"


if __name__ == "__main__":
    main(check)
