"""Functions that the engine does not call: the heap behind alloc.h's back, and worse."""

from common import c_calls, c_code, files, line_of, main, read

HEAP = """malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf aligned_alloc
posix_memalign memalign valloc getline getdelim open_memstream scandir""".split()

BANNED = {
    "sprintf": "use snprintf or ve_buf_printf",
    "vsprintf": "use vsnprintf or ve_buf_vprintf",
    "strcpy": "use ve_str_copy",
    "stpcpy": "use ve_str_copy",
    "strncpy": "use ve_str_copy: strncpy may leave out the NUL",
    "strcat": "use ve_buf_add",
    "strncat": "use ve_buf_add",
    "gets": "it cannot know the size",
    "strtok": "use ve_str_cut",
    "strtok_r": "use ve_str_cut",
    "atoi": "use ve_str_u64: atoi hides errors",
    "atol": "use ve_str_u64: atol hides errors",
    "atof": "use strtod and look at its end",
    "system": "the engine starts no shell",
    "popen": "the engine starts no shell",
    "alloca": "use ve_alloc or a bounded array",
    "setjmp": "return an error",
    "_setjmp": "return an error",
    "sigsetjmp": "return an error",
    "longjmp": "return an error",
    "siglongjmp": "return an error",
    "rand": "use base/rng.h, or crypto/random.h for secrets",
    "srand": "use base/rng.h, or crypto/random.h for secrets",
    "random": "use base/rng.h, or crypto/random.h for secrets",
    "srandom": "use base/rng.h, or crypto/random.h for secrets",
    "drand48": "use base/rng.h, or crypto/random.h for secrets",
    "localtime": "use localtime_r: it shares no buffer",
    "gmtime": "use gmtime_r: it shares no buffer",
    "ctime": "use strftime",
    "asctime": "use strftime",
}

CLOCKS = """gettimeofday time clock clock_gettime timespec_get ftime uv_hrtime uv_now
uv_gettimeofday""".split()
# The generators of `voiceengine bench` are processes of their own that measure the engine from
# outside, beside a bare epoll loop: they have no ve_loop to ask.
MEASURING = "cli/bench_"
SLEEPS = "sleep usleep nanosleep clock_nanosleep uv_sleep".split()


def reason(name, place):
    if name in HEAP and place != "base/alloc.c":
        return "the heap has one door, base/alloc.h: ve_alloc, ve_realloc, ve_free, ve_strndup"
    if name in BANNED:
        return BANNED[name]
    if name in CLOCKS and not place.startswith(("loop/", MEASURING)):
        return "time comes from the loop: ve_loop_now, ve_loop_wall_ms"
    if name in SLEEPS and not place.startswith(MEASURING):
        return "nothing sleeps: use a ve_timer"
    return None


def check(root):
    for name in files(root, ".c", ".h"):
        if not name.startswith("engine/") or name.startswith("engine/host/"):
            continue
        code = c_code(read(root, name))
        for called, position in c_calls(code):
            why = reason(called, name[len("engine/"):])
            if why:
                yield f"{name}:{line_of(code, position)}: {called}() is not used here; {why}"


if __name__ == "__main__":
    main(check)
