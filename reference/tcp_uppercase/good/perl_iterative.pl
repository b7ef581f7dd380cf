#!/usr/bin/perl
# TCP upper case server, one client after another.
use strict;
use warnings;
use IO::Socket::INET;

my $port = @ARGV == 1 && $ARGV[0] =~ /^[0-9]{1,5}$/ ? $ARGV[0] : 0;
if ($port < 1 || $port > 65535) {
    print STDERR "usage: perl server.pl PORT\n";
    exit 2;
}
my $listener = IO::Socket::INET->new(LocalPort => $port, Proto => 'tcp', Listen => 128, ReuseAddr => 1)
    or die "can't serve port $port: $@\n";
$SIG{PIPE} = 'IGNORE';    # a client that is gone is an error of print

while (1) {
    my $client = $listener->accept or next;
    while (defined(my $line = <$client>)) {
        last unless $line =~ /\n\z/;    # the connection has ended within a line
        $line =~ tr/a-z/A-Z/;
        print $client $line or last;
    }
    close $client;
}
