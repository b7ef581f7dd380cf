#!/usr/bin/perl
# UDP upper case client: three tries, a second each.
use strict;
use warnings;
use IO::Select;
use Socket qw(:all);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

die "usage: perl client.pl HOST PORT\n" unless @ARGV == 2;
my ($host, $port) = @ARGV;
my $address = inet_aton($host) or die "client: there is no host $host\n";
my $server = pack_sockaddr_in($port, $address);
socket my $socket, PF_INET, SOCK_DGRAM, 0 or die "client: $!\n";
my $ready = IO::Select->new($socket);
$| = 1;

# Whether the reply has come before that time.
sub comes {
    my ($wanted, $until) = @_;
    while ((my $left = $until - clock_gettime(CLOCK_MONOTONIC)) > 0) {
        next unless $ready->can_read($left);
        my $from = recv $socket, my $data, 65536, 0;
        return 1 if defined $from && $from eq $server && $data eq $wanted;
    }
    return 0;
}

sub ask {
    my ($line) = @_;
    (my $wanted = $line) =~ tr/a-z/A-Z/;
    for (1 .. 3) {
        my $until = clock_gettime(CLOCK_MONOTONIC) + 1;
        send $socket, $line, 0, $server;
        return $wanted if comes($wanted, $until);
    }
    return undef;
}

while (defined(my $line = <STDIN>)) {
    chomp $line;
    last if $line eq 'quit';
    my $reply = ask($line);
    if (defined $reply) {
        print "$reply\n";
    } else {
        print STDERR "no answer\n";
    }
}
