/*
 * provider/vault.h - secrets, and where they may go.
 *
 * Scripts write "Bearer ${OPENAI_API_KEY}"; the name is a handle, and its value is put in here, in
 * C, only for a place that the secret belongs to. Values are copied and overwritten when the vault
 * is freed. The loop's thread only.
 */
#ifndef VE_PROVIDER_VAULT_H
#define VE_PROVIDER_VAULT_H

#include "base/buf.h"
#include "provider/policy.h"

#define VE_VAULT_SECRETS_MAX 64
#define VE_VAULT_NAME_MAX    64 /* bytes, with the NUL */

struct ve_secret_entry;

struct ve_vault {
    struct ve_secret_entry *entries; /* owned */
    size_t count;
};

void ve_vault_init(struct ve_vault *vault);
void ve_vault_free(struct ve_vault *vault);
/* Names are capital letters, digits and underscores. VE_EINVAL, VE_EEXIST, VE_ETOOBIG, VE_ENOMEM.
 */
int ve_vault_add(struct ve_vault *vault, struct ve_str name, struct ve_str value);
/* Lets the secret go to a host (as ve_policy_allow_host) or a base URL. VE_ENOENT without such a
 * secret. */
int ve_vault_allow_host(struct ve_vault *vault, struct ve_str name, struct ve_str pattern);
int ve_vault_allow_base(struct ve_vault *vault, struct ve_str name, struct ve_str url);
bool ve_vault_has(const struct ve_vault *vault, struct ve_str name);
/* May any secret go there? Such a place may be asked without a tenant's leave. */
enum ve_policy_answer ve_vault_ask(const struct ve_vault *vault, const struct ve_origin *origin);

/* Has the text a "${"? */
bool ve_vault_is_template(struct ve_str text);
/*
 * Appends the text to *out with every ${NAME} replaced. VE_EINVAL: not closed, or no name;
 * VE_ENOENT: no such secret; VE_EAUTH: it does not belong to that origin. On an error *out may hold
 * a part, and `name` (may be NULL) tells which secret it was about. Whoever owns *out wipes it.
 */
int ve_vault_expand(const struct ve_vault *vault, struct ve_str text,
                    const struct ve_origin *origin, struct ve_buf *out,
                    char name[static VE_VAULT_NAME_MAX]);
/* Overwrites with '*' every secret that may go to this origin and stands in the bytes: an answer
 * that repeats the key must not bring it to a script or a log. */
void ve_vault_scrub(const struct ve_vault *vault, const struct ve_origin *origin, char *bytes,
                    size_t len);

#endif
