#include "speech/dictionary.h"

#include "base/err.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define VARIANTS_MAX 8

int ve_dictionary_open(struct ve_dictionary *dictionary, const char *path)
{
    int err = VE_EIO;
    struct stat info;
    void *text = MAP_FAILED;
    memset(dictionary, 0, sizeof(*dictionary));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return VE_EIO;
    if (fstat(fd, &info) == 0 && info.st_size > 0)
        text = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (text != MAP_FAILED) {
        dictionary->text = text;
        dictionary->size = (size_t)info.st_size;
        err = 0;
    }
    (void)close(fd);
    return err;
}

void ve_dictionary_close(struct ve_dictionary *dictionary)
{
    if (dictionary->text)
        (void)munmap((void *)(uintptr_t)dictionary->text, dictionary->size);
    memset(dictionary, 0, sizeof(*dictionary));
}

/* The file's order is that of the letters a word begins with: "a", "a's" and "a(2)" are one group,
 * in any order, and groups are sorted. */
static struct ve_str group_of(struct ve_str line)
{
    size_t len = 0;
    while (len < line.len && line.ptr[len] >= 'a' && line.ptr[len] <= 'z')
        len++;
    return ve_str_n(line.ptr, len);
}

static int compare(struct ve_str a, struct ve_str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.ptr, b.ptr, len) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static size_t line_begin(const struct ve_dictionary *dictionary, size_t at)
{
    while (at > 0 && dictionary->text[at - 1] != '\n')
        at--;
    return at;
}

static struct ve_str line_at(const struct ve_dictionary *dictionary, size_t begin)
{
    const char *text = dictionary->text + begin;
    const char *end = memchr(text, '\n', dictionary->size - begin);
    return ve_str_n(text, end ? (size_t)(end - text) : dictionary->size - begin);
}

/* Where the first line of the group begins, or would. */
static size_t find_group(const struct ve_dictionary *dictionary, struct ve_str group)
{
    size_t low = 0;
    size_t high = dictionary->size;
    while (low < high) {
        size_t begin = line_begin(dictionary, low + (high - low) / 2);
        struct ve_str line = line_at(dictionary, begin);
        if (compare(group_of(line), group) < 0)
            low = begin + line.len + 1;
        else
            high = begin;
    }
    return low;
}

/* Is the line "word PHONES" or "word(n) PHONES"? */
static bool is_word(struct ve_str line, struct ve_str word, struct ve_str *phones)
{
    if (!ve_str_starts(line, word) || line.len == word.len)
        return false;
    size_t at = word.len;
    if (line.ptr[at] == '(') {
        size_t close = ve_str_find(line, ')');
        if (close == SIZE_MAX)
            return false;
        at = close + 1;
    }
    if (at >= line.len || line.ptr[at] != ' ')
        return false;
    *phones = ve_str_trim(ve_str_n(line.ptr + at, line.len - at));
    return true;
}

int ve_dictionary_find(const struct ve_dictionary *dictionary, struct ve_str word,
                       int (*found)(void *arg, int variant, struct ve_str phones), void *arg)
{
    struct ve_str group = group_of(word);
    int count = 0;
    size_t at = find_group(dictionary, group);
    while (at < dictionary->size && count < VARIANTS_MAX) {
        struct ve_str line = line_at(dictionary, at);
        struct ve_str phones;
        if (compare(group_of(line), group) != 0)
            break;
        if (is_word(line, word, &phones)) {
            int err = found(arg, count, phones);
            if (err < 0)
                return err;
            count++;
        }
        at += line.len + 1;
    }
    return count;
}
