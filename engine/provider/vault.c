#include "provider/vault.h"

#include "base/alloc.h"
#include "base/err.h"
#include "crypto/equal.h"

#include <string.h>

struct ve_secret_entry {
    char name[VE_VAULT_NAME_MAX];
    char *value; /* owned */
    size_t len;
    struct ve_policy places;
};

void ve_vault_init(struct ve_vault *vault)
{
    *vault = (struct ve_vault){NULL, 0};
}

void ve_vault_free(struct ve_vault *vault)
{
    for (size_t i = 0; i < vault->count; i++) {
        ve_secret_wipe(vault->entries[i].value, vault->entries[i].len);
        ve_free(vault->entries[i].value);
        ve_policy_free(&vault->entries[i].places);
    }
    ve_free(vault->entries);
    ve_vault_init(vault);
}

static bool is_name(struct ve_str name)
{
    if (!name.len || name.len >= VE_VAULT_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return true;
}

static struct ve_secret_entry *find(const struct ve_vault *vault, struct ve_str name)
{
    for (size_t i = 0; i < vault->count; i++) {
        if (ve_str_eq(ve_str(vault->entries[i].name), name))
            return &vault->entries[i];
    }
    return NULL;
}

int ve_vault_add(struct ve_vault *vault, struct ve_str name, struct ve_str value)
{
    if (!is_name(name) || !value.len)
        return VE_EINVAL;
    if (find(vault, name))
        return VE_EEXIST;
    if (vault->count >= VE_VAULT_SECRETS_MAX)
        return VE_ETOOBIG;
    struct ve_secret_entry *grown = ve_realloc(vault->entries, (vault->count + 1) * sizeof(*grown));
    if (!grown)
        return VE_ENOMEM;
    vault->entries = grown;
    struct ve_secret_entry *entry = &grown[vault->count];
    memset(entry, 0, sizeof(*entry));
    ve_str_copy(entry->name, sizeof(entry->name), name);
    entry->value = ve_strndup(value.ptr, value.len);
    entry->len = value.len;
    ve_policy_init(&entry->places, NULL);
    if (!entry->value)
        return VE_ENOMEM;
    vault->count++;
    return 0;
}

int ve_vault_allow_host(struct ve_vault *vault, struct ve_str name, struct ve_str pattern)
{
    struct ve_secret_entry *entry = find(vault, name);
    return entry ? ve_policy_allow_host(&entry->places, pattern) : VE_ENOENT;
}

int ve_vault_allow_base(struct ve_vault *vault, struct ve_str name, struct ve_str url)
{
    struct ve_secret_entry *entry = find(vault, name);
    return entry ? ve_policy_allow_base(&entry->places, url) : VE_ENOENT;
}

bool ve_vault_has(const struct ve_vault *vault, struct ve_str name)
{
    return find(vault, name) != NULL;
}

enum ve_policy_answer ve_vault_ask(const struct ve_vault *vault, const struct ve_origin *origin)
{
    enum ve_policy_answer best = VE_POLICY_NO;
    for (size_t i = 0; i < vault->count && best != VE_POLICY_BASE; i++) {
        enum ve_policy_answer answer = ve_policy_ask(&vault->entries[i].places, origin);
        if (answer > best)
            best = answer;
    }
    return best;
}

static size_t find_open(struct ve_str text)
{
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.ptr[i] == '$' && text.ptr[i + 1] == '{')
            return i;
    }
    return SIZE_MAX;
}

bool ve_vault_is_template(struct ve_str text)
{
    return find_open(text) != SIZE_MAX;
}

static int add_secret(const struct ve_vault *vault, struct ve_str name,
                      const struct ve_origin *origin, struct ve_buf *out)
{
    if (!is_name(name))
        return VE_EINVAL;
    const struct ve_secret_entry *entry = find(vault, name);
    if (!entry)
        return VE_ENOENT;
    if (ve_policy_ask(&entry->places, origin) == VE_POLICY_NO)
        return VE_EAUTH;
    return ve_buf_add(out, entry->value, entry->len);
}

int ve_vault_expand(const struct ve_vault *vault, struct ve_str text,
                    const struct ve_origin *origin, struct ve_buf *out,
                    char name[static VE_VAULT_NAME_MAX])
{
    name[0] = '\0';
    for (;;) {
        size_t open = find_open(text);
        if (open == SIZE_MAX)
            return ve_buf_add_str(out, text);
        int err = ve_buf_add(out, text.ptr, open);
        struct ve_str rest = ve_str_n(text.ptr + open + 2, text.len - open - 2);
        size_t close = ve_str_find(rest, '}');
        if (!err && close == SIZE_MAX)
            err = VE_EINVAL;
        if (err)
            return err;
        struct ve_str handle = ve_str_n(rest.ptr, close);
        if (is_name(handle))
            ve_str_copy(name, VE_VAULT_NAME_MAX, handle);
        err = add_secret(vault, handle, origin, out);
        if (err)
            return err;
        text = ve_str_n(rest.ptr + close + 1, rest.len - close - 1);
    }
}

void ve_vault_scrub(const struct ve_vault *vault, const struct ve_origin *origin, char *bytes,
                    size_t len)
{
    for (size_t i = 0; i < vault->count; i++) {
        const struct ve_secret_entry *entry = &vault->entries[i];
        if (ve_policy_ask(&entry->places, origin) == VE_POLICY_NO)
            continue;
        char *at = bytes;
        size_t left = len;
        char *hit;
        while (left >= entry->len && (hit = memmem(at, left, entry->value, entry->len))) {
            memset(hit, '*', entry->len);
            left -= (size_t)(hit - at) + entry->len;
            at = hit + entry->len;
        }
    }
}
