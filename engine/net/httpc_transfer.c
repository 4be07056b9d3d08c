#include "net/httpc_in.h"

#include "base/alloc.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECT_DEFAULT   (3 * VE_SECOND)
#define FIRST_DEFAULT     (15 * VE_SECOND)
#define PROGRESS_DEFAULT  (10 * VE_SECOND)
#define REDIRECT_BODY_MAX (64 * 1024)

/* --- clocks ----------------------------------------------------------------------------------- */

static void on_connect_clock(void *arg)
{
    struct ve_httpc_request *request = arg;
    ve_httpc_fail(request, VE_ETIMEDOUT, "no connection in time");
}

static void on_body_clock(void *arg)
{
    struct ve_httpc_request *request = arg;
    ve_httpc_fail(request, VE_ETIMEDOUT,
                  request->result.first ? "the body stopped coming" : "no body byte in time");
}

void ve_httpc_clocks_init(struct ve_httpc_request *request, const struct ve_httpc_options *options)
{
    struct ve_loop *loop = request->httpc->loop;
    uint64_t first = options->first_timeout ? options->first_timeout : FIRST_DEFAULT;
    request->connect_timeout =
        options->connect_timeout ? options->connect_timeout : CONNECT_DEFAULT;
    request->progress_timeout =
        options->progress_timeout ? options->progress_timeout : PROGRESS_DEFAULT;
    request->started = ve_loop_now(loop);
    ve_timer_init(&request->connect_clock, loop, on_connect_clock, request);
    ve_timer_init(&request->body_clock, loop, on_body_clock, request);
    request->first_due = request->started + first;
}

static void stop_clocks(struct ve_httpc_request *request)
{
    ve_timer_stop(&request->connect_clock);
    ve_timer_stop(&request->body_clock);
}

/* --- addresses -------------------------------------------------------------------------------- */

static bool is_allowed(struct ve_httpc_request *request, const char *ip)
{
    if (!request->allow_address || request->allow_address(request->arg, request->host, ip))
        return true;
    request->refused_address = true;
    return false;
}

/* Like inet_ntop, but an IPv4 address inside an IPv6 one shows as what it is. */
static const char *print_address(char out[static INET6_ADDRSTRLEN], const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        return inet_ntop(AF_INET, &in->sin_addr, out, INET6_ADDRSTRLEN);
    }
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        return inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], out, INET6_ADDRSTRLEN);
    return inet_ntop(AF_INET6, &in6->sin6_addr, out, INET6_ADDRSTRLEN);
}

/* libcurl will connect to this very address, or not at all. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct ve_httpc_request *request = arg;
    char ip[INET6_ADDRSTRLEN];
    (void)purpose;
    if (address->family != AF_INET && address->family != AF_INET6)
        return CURL_SOCKET_BAD;
    if (!print_address(ip, &address->addr) || !is_allowed(request, ip))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Connected, and about to send: with a pooled connection this is the first we hear of it, and it
 * may have been opened under another tenant's rules. */
static int on_connected(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct ve_httpc_request *request = arg;
    long opened = 0;
    (void)local_ip;
    (void)port;
    (void)local_port;
    ve_timer_stop(&request->connect_clock);
    if (request->mark == VE_HTTPC_ENDING)
        return CURL_PREREQFUNC_ABORT;
    (void)curl_easy_getinfo(request->easy, CURLINFO_NUM_CONNECTS, &opened);
    if (opened)
        request->result.connect = ve_loop_now(request->httpc->loop) - request->hop_started;
    const char *plain = strncmp(ip, "::ffff:", 7) == 0 && strchr(ip, '.') ? ip + 7 : ip;
    if (is_allowed(request, plain))
        return CURL_PREREQFUNC_OK;
    ve_httpc_fail(request, VE_EAUTH, "the host's address is not allowed");
    return CURL_PREREQFUNC_ABORT;
}

/* --- head ------------------------------------------------------------------------------------- */

static bool is_redirect(const struct ve_httpc_request *request)
{
    int status = request->result.status;
    bool moved = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    return request->follows && moved && ve_httpc_header(request, "location").ptr;
}

/* The blank line has come. A status of 1xx only announces the real head. */
static void end_head(struct ve_httpc_request *request)
{
    long status = 0;
    (void)curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200) {
        ve_buf_clear(&request->header);
        return;
    }
    request->in_head = false;
    request->result.status = (int)status;
    request->redirecting = is_redirect(request);
    request->to_sink = request->sink.ops && status < 300;
    if (!request->redirecting && request->head)
        request->head(request->arg, request, request->result.status);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct ve_httpc_request *request = arg;
    size_t len = size * count;
    if (request->mark == VE_HTTPC_ENDING)
        return 0;
    if (len > VE_HTTPC_HEAD_MAX - request->header_bytes) {
        ve_httpc_fail(request, VE_ETOOBIG, "the answer's header is too big");
        return 0;
    }
    request->header_bytes += len;
    if (!request->in_head)
        return len; /* a trailer */
    struct ve_str line = ve_str_trim(ve_str_n(bytes, len));
    if (!line.len) {
        end_head(request);
    } else if (ve_buf_add(&request->header, bytes, len)) {
        ve_httpc_fail(request, VE_ENOMEM, "out of memory");
        return 0;
    }
    return request->mark == VE_HTTPC_ENDING ? 0 : len;
}

struct ve_str ve_httpc_header(const struct ve_httpc_request *request, const char *name)
{
    struct ve_str rest = ve_buf_str(&request->header);
    struct ve_str wanted = ve_str(name);
    while (rest.ptr) {
        struct ve_str line = ve_str_cut(&rest, '\n');
        size_t colon = ve_str_find(line, ':');
        if (colon != SIZE_MAX && ve_str_ieq(ve_str_n(line.ptr, colon), wanted))
            return ve_str_trim(ve_str_n(line.ptr + colon + 1, line.len - colon - 1));
    }
    return (struct ve_str){NULL, 0};
}

/* --- body ------------------------------------------------------------------------------------- */

static size_t drop_body(struct ve_httpc_request *request, size_t len)
{
    request->result.received += len;
    if (request->result.received <= REDIRECT_BODY_MAX)
        return len;
    ve_httpc_fail(request, VE_ETOOBIG, "the body of a redirect is too big");
    return 0;
}

static size_t to_sink(struct ve_httpc_request *request, const char *bytes, size_t len)
{
    int answer = request->sink.ops->write(request->sink.self, bytes, len);
    if (answer < 0) {
        request->sink_refused = true;
        ve_httpc_fail(request, answer, "the receiver of the body has stopped it");
        return 0;
    }
    if (answer == VE_FLOW_PAUSE && request->mark == VE_HTTPC_RUNNING) {
        request->paused = true;
        ve_timer_stop(&request->body_clock);
    }
    return len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct ve_httpc_request *request = arg;
    size_t len = size * count;
    if (request->mark == VE_HTTPC_ENDING)
        return CURL_WRITEFUNC_ERROR;
    if (!len)
        return 0;
    if (request->redirecting)
        return drop_body(request, len);
    if (request->paused)
        return CURL_WRITEFUNC_PAUSE; /* libcurl keeps the bytes and reads no further */
    struct ve_httpc_result *result = &request->result;
    if (!result->first) {
        uint64_t now = ve_loop_now(request->httpc->loop);
        result->first = now > request->started ? now - request->started : 1;
    }
    if (len > request->max_body - result->received) {
        ve_httpc_fail(request, VE_ETOOBIG, "the body is too big");
        return CURL_WRITEFUNC_ERROR;
    }
    result->received += len;
    ve_timer_start(&request->body_clock, request->progress_timeout);
    if (request->to_sink)
        return to_sink(request, bytes, len);
    if (!ve_buf_add(&request->collected, bytes, len))
        return len;
    ve_httpc_fail(request, VE_ENOMEM, "out of memory");
    return CURL_WRITEFUNC_ERROR;
}

/* --- the way of a request --------------------------------------------------------------------- */

int ve_httpc_set_callbacks(struct ve_httpc_request *request)
{
    CURL *easy = request->easy;
    bool failed = curl_easy_setopt(easy, CURLOPT_PRIVATE, request) ||
                  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) ||
                  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, request) ||
                  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected) ||
                  curl_easy_setopt(easy, CURLOPT_PREREQDATA, request) ||
                  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) ||
                  curl_easy_setopt(easy, CURLOPT_HEADERDATA, request) ||
                  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) ||
                  curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    return failed ? VE_ENOMEM : 0;
}

static void start_hop(struct ve_httpc_request *request)
{
    request->in_head = true;
    request->redirecting = false;
    request->refused_address = false;
    ve_buf_clear(&request->header);
    request->hop_started = ve_loop_now(request->httpc->loop);
    request->result.status = 0;
    request->result.received = 0;
    ve_timer_start(&request->connect_clock, request->connect_timeout);
    if (curl_multi_add_handle(request->httpc->multi, request->easy) != CURLM_OK)
        ve_httpc_fail(request, VE_ENOMEM, "libcurl has not taken the request");
}

void ve_httpc_begin(struct ve_httpc_request *request)
{
    request->mark = VE_HTTPC_RUNNING;
    ve_timer_start_at(&request->body_clock, request->first_due);
    start_hop(request);
}

/* libcurl hands out what it has kept before this returns. It reports a refusal of those bytes here
 * and not as the end of the transfer. */
void ve_httpc_go_on(struct ve_httpc_request *request)
{
    request->resume = false;
    if (!request->paused)
        return;
    request->paused = false;
    ve_timer_start(&request->body_clock, request->progress_timeout);
    CURLcode code = curl_easy_pause(request->easy, CURLPAUSE_CONT);
    if (code == CURLE_OK)
        return;
    if (request->mark != VE_HTTPC_ENDING)
        ve_httpc_explain(request, code);
    ve_httpc_finish(request);
}

/* After 303, and by old custom after 301 and 302 of a POST, the answer is fetched with GET. */
static void change_method(struct ve_httpc_request *request)
{
    int status = request->result.status;
    bool post = strcmp(request->method, "POST") == 0;
    bool head = strcmp(request->method, "HEAD") == 0;
    if (head || !(status == 303 || (post && (status == 301 || status == 302))))
        return;
    (void)ve_str_copy(request->method, sizeof(request->method), VE_STR("GET"));
    (void)curl_easy_setopt(request->easy, CURLOPT_MIMEPOST, NULL);
    (void)curl_easy_setopt(request->easy, CURLOPT_POSTFIELDS, NULL);
    (void)curl_easy_setopt(request->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
    curl_mime_free(request->mime);
    request->mime = NULL;
    ve_free(request->body);
    request->body = NULL;
}

static int follow(struct ve_httpc_request *request)
{
    char *url = NULL;
    char before[320];
    if (!request->redirects_left)
        return VE_EPROTO;
    request->redirects_left--;
    bool known = ve_str_copy(before, sizeof(before), ve_str(request->origin));
    (void)curl_easy_getinfo(request->easy, CURLINFO_REDIRECT_URL, &url);
    char *copy = url ? ve_strdup(url) : NULL;
    if (!copy)
        return url ? VE_ENOMEM : VE_EPROTO;
    int err = ve_httpc_set_url(request, copy);
    ve_free(copy);
    if (err)
        return err == VE_EINVAL ? VE_EPROTO : err;
    if (!known || strcmp(before, request->origin) != 0)
        request->strayed = true;
    change_method(request);
    return ve_httpc_set_message(request);
}

void ve_httpc_ended(struct ve_httpc_request *request, CURLcode code)
{
    bool moved = request->mark == VE_HTTPC_RUNNING && code == CURLE_OK && request->redirecting;
    if (moved) {
        bool any_left = request->redirects_left > 0;
        (void)curl_multi_remove_handle(request->httpc->multi, request->easy);
        int err = follow(request);
        if (!err) {
            start_hop(request);
            return;
        }
        ve_httpc_fail(request, err,
                      err == VE_EAUTH ? "the redirect leads to a host that is not allowed"
                      : any_left      ? "the redirect leads nowhere"
                                      : "too many redirects");
    } else if (request->mark == VE_HTTPC_RUNNING) {
        ve_httpc_explain(request, code);
    }
    ve_httpc_finish(request);
}

void ve_httpc_fail(struct ve_httpc_request *request, int err, const char *why)
{
    if (request->mark == VE_HTTPC_ENDING)
        return;
    request->mark = VE_HTTPC_ENDING;
    request->result.err = err;
    (void)snprintf(request->why, sizeof(request->why), "%s", why);
    stop_clocks(request);
    ve_httpc_attend(request);
}

static void log_end(const struct ve_httpc_request *request)
{
    const struct ve_httpc_result *result = &request->result;
    if (!request->httpc->log)
        return;
    ve_log_event(request->httpc->log, VE_LOG_DEBUG, "http_done", ve_ftext("host", request->host),
                 ve_fi64("status", result->status), ve_ftext("err", ve_err_name(result->err)),
                 ve_ftext("why", result->why), ve_fu64("ms", result->total / VE_MS),
                 ve_fu64("bytes", result->received));
}

void ve_httpc_finish(struct ve_httpc_request *request)
{
    struct ve_httpc_result *result = &request->result;
    request->mark = VE_HTTPC_ENDING;
    stop_clocks(request);
    ve_link_remove(&request->work);
    ve_link_remove(&request->link);
    (void)curl_multi_remove_handle(request->httpc->multi, request->easy);
    result->total = ve_loop_now(request->httpc->loop) - request->started;
    result->why = request->why;
    log_end(request);
    if (request->sink.ops && !request->sink_refused) {
        bool good = result->status >= 200 && result->status < 300;
        request->sink.ops->end(request->sink.self, result->err || good ? result->err : VE_EFAILED);
    }
    if (request->done)
        request->done(request->arg, result);
    ve_httpc_request_free(request);
}
