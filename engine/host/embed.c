/*
 * Build tool: turns Lua files into one C table, so that lualib is part of the binary.
 *
 *   ve-embed OUT.c ROOT FILE...     FILE is relative to ROOT: "voice/call.lua" becomes "voice.call"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void module_name(char *out, size_t size, const char *file)
{
    (void)snprintf(out, size, "%s", file);
    char *dot = strrchr(out, '.');
    if (dot)
        *dot = '\0';
    size_t len = strlen(out);
    if (len > 5 && strcmp(out + len - 5, "/init") == 0)
        out[len - 5] = '\0';
    for (char *p = out; *p; p++) {
        if (*p == '/')
            *p = '.';
    }
}

static int embed(FILE *out, const char *root, const char *file, int index)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", root, file);
    FILE *in = fopen(path, "rb");
    if (!in) {
        perror(path);
        return 1;
    }
    fprintf(out, "static const unsigned char source_%d[] = {", index);
    long n = 0;
    for (int c = getc(in); c != EOF; c = getc(in), n++)
        fprintf(out, "%s%d,", n % 20 ? "" : "\n", c);
    fprintf(out, "0};\n");
    fclose(in);
    return 0;
}

int main(int argc, char **argv)
{
    FILE *out = argc > 2 ? fopen(argv[1], "wb") : NULL;
    if (!out) {
        fprintf(stderr, "usage: ve-embed OUT.c ROOT FILE...\n");
        return 2;
    }
    fprintf(out, "#include \"script/lualib.h\"\n\n");
    for (int i = 3; i < argc; i++) {
        if (embed(out, argv[2], argv[i], i) != 0)
            return 1;
    }
    fprintf(out, "\nconst struct ve_lualib_file ve_lualib_files[] = {\n");
    for (int i = 3; i < argc; i++) {
        char name[4096];
        module_name(name, sizeof(name), argv[i]);
        fprintf(out,
                "    {\"%s\", \"@lualib/%s\", (const char *)source_%d, sizeof(source_%d) - 1},\n",
                name, argv[i], i, i);
    }
    fprintf(out, "    {0, 0, 0, 0},\n};\n");
    return fclose(out) == 0 ? 0 : 1;
}
