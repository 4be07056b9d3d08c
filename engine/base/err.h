/*
 * base/err.h - the one set of error codes.
 *
 * Every fallible function of the engine returns 0 or one of these negative codes. An asynchronous
 * function that returns an error never calls its callback: error or callback, never both.
 */
#ifndef VE_BASE_ERR_H
#define VE_BASE_ERR_H

enum ve_err {
    VE_OK = 0,
    VE_ENOMEM = -1,    /* the allocator refused */
    VE_EINVAL = -2,    /* the caller's arguments make no sense: a bug on our side */
    VE_EPROTO = -3,    /* bytes from outside break their format */
    VE_ETOOBIG = -4,   /* a length or count above its limit */
    VE_ENOENT = -5,    /* no such thing */
    VE_EEXIST = -6,    /* it is already there */
    VE_EBUSY = -7,     /* no room now; trying later may succeed */
    VE_ETIMEDOUT = -8, /* a deadline passed */
    VE_ECANCELED = -9, /* withdrawn by its owner */
    VE_EGONE = -10,    /* the call or connection has ended */
    VE_EIO = -11,      /* the operating system refused; errno says why */
    VE_EAUTH = -12,    /* a credential is missing or wrong */
    VE_ENOTSUP = -13,  /* not built in, or not possible here */
    VE_EFAILED = -14,  /* a provider or library failed */
};

/* "no_memory", "invalid", ...: the name of a code in logs, JSON and Lua. Never NULL. */
const char *ve_err_name(int err);

#endif
