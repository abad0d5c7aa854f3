// SPDX-License-Identifier: Apache-2.0
//
// mls-interop: libmls as a client of the MLS working group's interop runner. A gRPC server for tests: it has no
// authentication, hands out private keys as the runner's protocol asks, and listens on this machine only.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <grpcpp/grpcpp.h>

#include "service.h"

static const char usage[] =
    "mls-interop [-port N] [options]: libmls as a client of the MLS interop runner\n"
    "\n"
    "  -port N       listen on 127.0.0.1:N (default: 50051; 0: any free one, which is printed)\n"
    "  -host ADDRESS listen on another address than 127.0.0.1\n"
    "  -pq           offer the post-quantum suites too, besides the seven of RFC 9420\n"
    "  -grease       sprinkle GREASE values (RFC 9420 section 13.5), which not every implementation ignores\n"
    "  -restart      after every call, forget each group it was about and restore it from its stored records\n"
    "  -help         print this\n"
    "\n"
    "Options may also start with two hyphens. docs/interop.md says how to run the runner against it.\n";

static int bad(const char *what)
{
    fprintf(stderr, "mls-interop: %s\n\n%s", what, usage);
    return 2;
}

static int serve(const std::string &host, int port, const interop::Options &options)
{
    int bound = 0;
    interop::Service service(options);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(host + ":" + std::to_string(port), grpc::InsecureServerCredentials(), &bound);
    builder.SetMaxReceiveMessageSize(-1);
    builder.SetMaxSendMessageSize(-1);
    builder.RegisterService(&service);
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (server == nullptr || bound == 0) {
        fprintf(stderr, "mls-interop: cannot listen on %s:%d\n", host.c_str(), port);
        return 1;
    }
    printf("mls-interop: listening on %s:%d\n", host.c_str(), bound);
    fflush(stdout);
    server->Wait();
    return 0;
}

int main(int argc, char **argv)
{
    std::string host = "127.0.0.1";
    long port = 50051;
    interop::Options options;
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (name[0] == '-' && name[1] == '-') name++;
        const char *value = i + 1 < argc ? argv[i + 1] : nullptr;
        if (strcmp(name, "-help") == 0 || strcmp(name, "-h") == 0) {
            fputs(usage, stdout);
            return 0;
        }
        if (strcmp(name, "-pq") == 0) {
            options.post_quantum = true;
        } else if (strcmp(name, "-grease") == 0) {
            options.grease = true;
        } else if (strcmp(name, "-restart") == 0) {
            options.restart = true;
        } else if (strcmp(name, "-host") == 0 && value != nullptr) {
            host = value;
            i++;
        } else if (strcmp(name, "-port") == 0 && value != nullptr) {
            char *end;
            port = strtol(value, &end, 10);
            if (*value == '\0' || *end != '\0' || port < 0 || port > 65535) return bad("no port number");
            i++;
        } else {
            return bad("unknown option, or its value is missing");
        }
    }
    return serve(host, static_cast<int>(port), options);
}
