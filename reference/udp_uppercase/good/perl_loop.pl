#!/usr/bin/perl
# UDP upper case server.
use strict;
use warnings;
use IO::Socket::INET;

my $port = @ARGV == 1 && $ARGV[0] =~ /^[0-9]{1,5}$/ ? $ARGV[0] : 0;
if ($port < 1 || $port > 65535) {
    print STDERR "usage: perl server.pl PORT\n";
    exit 2;
}
my $socket = IO::Socket::INET->new(LocalPort => $port, Proto => 'udp') or die "can't use port $port: $@\n";

while (1) {
    my $client = recv $socket, my $data, 65536, 0;
    next unless defined $client;    # an error that belongs to an earlier reply
    $data =~ tr/a-z/A-Z/;
    send $socket, $data, 0, $client;    # a client that is gone is no reason to stop
}
