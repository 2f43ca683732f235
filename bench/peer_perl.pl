# The benchmark's job in Perl. Called by bench/run: perl peer_perl.pl RULES.json INPUT
# JSON::XS where it is installed, else JSON::PP, which comes with Perl and is slow.
use strict;
use warnings;
use Time::Local qw(timegm);
use Unicode::Normalize qw(NFD);
my $decode = eval { require JSON::XS; JSON::XS->new->utf8 } || do { require JSON::PP; JSON::PP->new->utf8 };
my ($rules_file, $input) = @ARGV;
open my $in, '<', $rules_file or die $!;
my @rules = map { [ $_->{id}, $_->{role}, $_->{emits}, qr/$_->{pattern}/ ] } @{ $decode->decode(do { local $/; <$in> }) };
my %hits = map { $_->[0] => 0 } @rules;
my (%seen, %channels);
my ($cost, $fallbacks, $answers, $waited) = (0, 0, 0, 0);
open my $rows, '<', $input or die $!;
while (my $line = <$rows>) {
    my $m = $decode->decode($line);
    my $c = $seen{ $m->{conversation_id} };
    if (!$c) {
        $c = $seen{ $m->{conversation_id} } = { person => 0, asked => 0, good => 0, bad => 0, at => 0, role => '' };
        $channels{ $m->{channel} }++;
    }
    my $role = $m->{role};
    my ($year, $month, $day, $hour, $minute, $second) = $m->{ts} =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):([\d.]+)Z$/ or die $line;
    my $at = timegm(0, $minute, $hour, $day, $month - 1, $year) + $second;
    my $text = NFD(lc $m->{text});
    $text =~ s/\p{Mn}+//g;
    for my $rule (@rules) {
        next if defined $rule->[1] && $rule->[1] ne $role;
        next unless $text =~ $rule->[3];
        $hits{ $rule->[0] }++;
        my $emits = $rule->[2];
        if ($emits eq 'user.human_request') { $c->{asked} = 1 }
        elsif ($emits eq 'user.thanks' || $emits eq 'user.resolved') { $c->{good} = $at }
        elsif ($emits eq 'user.not_resolved' || $emits eq 'user.wrong_answer') { $c->{bad} = $at }
        elsif ($emits eq 'bot.fallback') { $fallbacks++ }
    }
    my $event = $m->{event};
    $c->{person} = 1 if $role eq 'agent' || ($event && $event->{type} eq 'handoff' && ($event->{phase} // 'accepted') eq 'accepted')
        || grep { $_->{name} =~ /^transfer_to_human/ } @{ $m->{tool_calls} || [] };
    $cost += int($m->{cost}{amount} * 1e7 + 0.5) if $m->{cost};
    if ($role eq 'bot' && $c->{role} eq 'user') { $answers++; $waited += $at - $c->{at} }
    $c->{at} = $at;
    $c->{role} = $role;
}
print $decode->encode({ conversations => scalar keys %seen, escalated => scalar(grep { $_->{person} } values %seen),
    asked => scalar(grep { $_->{asked} } values %seen), resolved => scalar(grep { !$_->{person} && $_->{good} > $_->{bad} } values %seen),
    fallbacks => $fallbacks, cost => sprintf('%.7f', $cost / 1e7), channels => \%channels, answers => $answers,
    response_s => $answers ? $waited / $answers : undef, hits => \%hits }), "\n";
