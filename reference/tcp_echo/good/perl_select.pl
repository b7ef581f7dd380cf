#!/usr/bin/perl
# TCP echo server: one loop around select, a buffer for each client.
use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use IO::Select;
use IO::Socket::INET;

use constant MOST_WAITING => 64 * 1024;    # then nothing is read until the client has taken some
use constant DRAINED => 256 * 1024;

my $port = @ARGV == 1 && $ARGV[0] =~ /^[0-9]{1,5}$/ ? $ARGV[0] : 0;
if ($port < 1 || $port > 65535) {
    print STDERR "usage: perl server.pl PORT\n";
    exit 2;
}
my $listener = IO::Socket::INET->new(LocalPort => $port, Proto => 'tcp', Listen => 128, ReuseAddr => 1, Blocking => 0)
    or die "can't serve port $port: $@\n";
$SIG{PIPE} = 'IGNORE';

my $readers = IO::Select->new($listener);
my $writers = IO::Select->new;
my %clients;    # descriptor => what is known of a client

sub forget {
    my ($socket) = @_;
    $readers->remove($socket);
    $writers->remove($socket);
    delete $clients{fileno $socket};
    close $socket;
}

# Where the line `close` ends in what has come, or -1.
sub end_of_close {
    my ($client, $data) = @_;
    my $at = 0;
    while ((my $end = index $data, "\n", $at) >= 0) {
        my $line = $client->{line} . substr $data, $at, $end - $at;
        $client->{line} = '';
        return $end + 1 if $line eq 'close' || $line eq "close\r";
        $at = $end + 1;
    }
    $client->{line} = substr $client->{line} . substr($data, $at), 0, 8;
    return -1;
}

sub receive {
    my ($socket) = @_;
    my $client = $clients{fileno $socket};
    my $got = sysread $socket, my $data, 16384;
    if (!defined $got) {
        forget($socket) unless $! == EAGAIN || $! == EINTR;
        return;
    }
    if ($client->{closed}) {    # only waits for the client's own end
        $client->{dropped} += $got;
        forget($socket) if $got == 0 || $client->{dropped} >= DRAINED;
        return;
    }
    if ($got == 0) {
        $client->{ended} = 1;
        $readers->remove($socket);
    } else {
        my $end = end_of_close($client, $data);
        if ($end >= 0) {
            $client->{ended} = $client->{says_close} = 1;
            $client->{dropped} = $got - $end;
            $readers->remove($socket);
            $data = substr $data, 0, $end;
        }
        $client->{waiting} .= $data;
        $readers->remove($socket) if length $client->{waiting} > MOST_WAITING;
    }
    flush($socket);
}

sub flush {
    my ($socket) = @_;
    my $client = $clients{fileno $socket};
    if (length $client->{waiting}) {
        my $sent = syswrite $socket, $client->{waiting};
        if (!defined $sent) {
            return forget($socket) unless $! == EAGAIN || $! == EINTR;
        } else {
            substr $client->{waiting}, 0, $sent, '';
        }
    }
    if (length $client->{waiting}) {
        $writers->add($socket);
        return;
    }
    $writers->remove($socket);
    if ($client->{says_close}) {
        $client->{closed} = 1;
        shutdown $socket, 1;
        $readers->add($socket);
    } elsif ($client->{ended}) {
        forget($socket);
    } else {
        $readers->add($socket);
    }
}

while (1) {
    my ($readable, $writable) = IO::Select->select($readers, $writers);
    for my $socket (@{ $writable // [] }) {
        flush($socket) if defined fileno $socket;
    }
    for my $socket (@{ $readable // [] }) {
        if ($socket == $listener) {
            my $client = $listener->accept or next;
            $client->blocking(0);
            $clients{fileno $client} = { line => '', waiting => '', dropped => 0 };
            $readers->add($client);
        } elsif (defined fileno $socket) {
            receive($socket);
        }
    }
}
