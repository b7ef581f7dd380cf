#include <cstdio>
#include <iostream>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <vector>

int main(int argc, char **argv) {
    int port = 0;
    try {
        port = argc == 2 ? std::stoi(argv[1]) : 0;
    } catch (const std::exception &) {
        // told below
    }
    if (port < 1 || port > 65535) {
        std::cerr << "usage: server PORT\n";
        return 2;
    }
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    if (bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) < 0) {
        perror("server");
        return 1;
    }
    std::vector<char> buffer(65536);
    for (;;) {
        sockaddr_in client{};
        socklen_t length = sizeof client;
        ssize_t n = recvfrom(fd, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr *>(&client), &length);
        if (n < 0)
            continue;
        for (ssize_t i = 0; i < n; i++)
            if (buffer[i] >= 'a' && buffer[i] <= 'z')
                buffer[i] -= 32;
        sendto(fd, buffer.data(), static_cast<size_t>(n), 0, reinterpret_cast<sockaddr *>(&client), length);
    }
}
