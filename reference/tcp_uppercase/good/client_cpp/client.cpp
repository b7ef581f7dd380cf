#include <cstdio>
#include <iostream>
#include <netdb.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

static int connect_to(const char *host, const char *port) {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (int code = getaddrinfo(host, port, &hints, &found)) {
        std::cerr << "client: " << gai_strerror(code) << '\n';
        return -1;
    }
    int fd = -1;
    for (addrinfo *one = found; one; one = one->ai_next) {
        fd = socket(one->ai_family, one->ai_socktype, 0);
        if (connect(fd, one->ai_addr, one->ai_addrlen) == 0)
            break;
        perror("client");
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        std::cerr << "usage: client HOST PORT\n";
        return 2;
    }
    int fd = connect_to(argv[1], argv[2]);
    if (fd < 0)
        return 1;
    std::string line, pending;
    while (std::getline(std::cin, line) && line != "quit") {
        line += '\n';
        for (size_t sent = 0; sent < line.size();) {
            ssize_t n = send(fd, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
            if (n < 0) {
                perror("send");
                return 1;
            }
            sent += static_cast<size_t>(n);
        }
        size_t end;
        while ((end = pending.find('\n')) == std::string::npos) {
            char buffer[4096];
            ssize_t n = recv(fd, buffer, sizeof buffer, 0);
            if (n <= 0) {
                std::cerr << "client: the server has closed the connection\n";
                return 1;
            }
            pending.append(buffer, static_cast<size_t>(n));
        }
        std::cout << pending.substr(0, end) << std::endl;
        pending.erase(0, end + 1);
    }
    close(fd);
    return 0;
}
