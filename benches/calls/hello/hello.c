/*
 * The plainest FastCGI program in C, on libfcgi: the baseline "hello" of the goals.
 *
 *     hello PROCESSES THREADS LENGTH
 *
 * Descriptor 0 is the listening socket, as with every FastCGI program. A request is read to its
 * end and answered with LENGTH bytes. Each thread accepts for itself; the first process starts the
 * others, and they end with it.
 */
#include <fastcgi.h>
#include <fcgiapp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* libfcgi's own buffer has 8 KiB, which costs it a system call for each. */
#define BUFFER 32768

static char *answer;
static int length;

static void *serve(void *unused)
{
    static const char head[] =
        "Status: 200 OK\r\nContent-Type: application/json\r\n"
        "X-Weave-Timestamp: 1322000000.12\r\nCache-Control: no-store\r\n";
    char body[BUFFER];
    FCGX_Request request;

    (void)unused;
    FCGX_InitRequest(&request, 0, 0);
    while (FCGX_Accept_r(&request) == 0) {
        while (FCGX_GetStr(body, sizeof body, request.in) > 0)
            ;
        if (length > BUFFER) {
            FCGX_FreeStream(&request.out);
            request.out =
                FCGX_CreateWriter(request.ipcFd, request.requestId, BUFFER, FCGI_STDOUT);
        }
        FCGX_PutStr(head, sizeof head - 1, request.out);
        FCGX_FPrintF(request.out, "Content-Length: %d\r\n\r\n", length);
        FCGX_PutStr(answer, length, request.out);
        FCGX_Finish_r(&request);
    }
    return NULL;
}

int main(int count, char **arguments)
{
    int processes, threads;
    pthread_t thread;

    if (count != 4)
        return 2;
    processes = atoi(arguments[1]);
    threads = atoi(arguments[2]);
    length = atoi(arguments[3]);
    answer = malloc(length + 1);
    if (answer == NULL || FCGX_Init() != 0)
        return 1;
    memset(answer, '.', length);
    while (--processes > 0) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            break;
        }
    }
    if (processes == 0)
        fputs("listening\n", stderr);
    while (--threads > 0)
        pthread_create(&thread, NULL, serve, NULL);
    serve(NULL);
    return 1;
}
