#include "base/err.h"

const char *ve_err_name(int err)
{
    switch (err) {
    case VE_OK:
        return "ok";
    case VE_ENOMEM:
        return "no_memory";
    case VE_EINVAL:
        return "invalid";
    case VE_EPROTO:
        return "bad_format";
    case VE_ETOOBIG:
        return "too_big";
    case VE_ENOENT:
        return "not_found";
    case VE_EEXIST:
        return "exists";
    case VE_EBUSY:
        return "busy";
    case VE_ETIMEDOUT:
        return "timeout";
    case VE_ECANCELED:
        return "canceled";
    case VE_EGONE:
        return "gone";
    case VE_EIO:
        return "io";
    case VE_EAUTH:
        return "unauthorized";
    case VE_ENOTSUP:
        return "unsupported";
    case VE_EFAILED:
        return "failed";
    default:
        return "unknown";
    }
}
