#!/usr/bin/perl
# TCP echo client.
use strict;
use warnings;
use IO::Socket::INET;

die "usage: perl client.pl HOST PORT\n" unless @ARGV == 2;
my ($host, $port) = @ARGV;
my $server = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Proto => 'tcp')
    or die "can't connect to $host port $port: $@\n";
$SIG{PIPE} = 'IGNORE';
$| = 1;

while (defined(my $line = <STDIN>)) {
    chomp $line;
    print $server "$line\n";
    my $reply = <$server>;
    die "the server has closed the connection\n" unless defined $reply && $reply =~ /\n\z/;
    print $reply;
    last if $line eq 'close';
}
close $server;
