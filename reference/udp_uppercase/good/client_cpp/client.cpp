#include <chrono>
#include <iostream>
#include <netdb.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using Clock = std::chrono::steady_clock;

static int connect_to(const char *host, const char *port) {
    addrinfo hints{}, *found = nullptr;
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    if (int code = getaddrinfo(host, port, &hints, &found)) {
        std::cerr << "client: " << gai_strerror(code) << '\n';
        return -1;
    }
    int fd = socket(found->ai_family, found->ai_socktype, 0);
    if (connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
        perror("client");
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

static bool ask(int fd, const std::string &line) {
    std::string wanted = line;
    for (char &c : wanted)
        if (c >= 'a' && c <= 'z')
            c -= 32;
    std::vector<char> buffer(65536);
    for (int tries = 0; tries < 3; tries++) {
        auto until = Clock::now() + std::chrono::seconds(1);
        send(fd, line.data(), line.size(), 0);
        for (;;) {
            auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
            pollfd readable{fd, POLLIN, 0};
            if (left <= 0 || poll(&readable, 1, static_cast<int>(left)) == 0)
                break;
            ssize_t n = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (n >= 0 && std::string(buffer.data(), static_cast<size_t>(n)) == wanted) {
                std::cout << wanted << std::endl;
                return true;
            }
        }
    }
    return false;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        std::cerr << "usage: client HOST PORT\n";
        return 2;
    }
    int fd = connect_to(argv[1], argv[2]);
    if (fd < 0)
        return 1;
    std::string line;
    while (std::getline(std::cin, line) && line != "quit")
        if (!ask(fd, line))
            std::cerr << "client: no answer\n";
    return 0;
}
