using Postern.Core.Lanes;
using Postern.Core.Rehearsal;

namespace Postern.Tests.Rehearsal;

public sealed class TrafficTests
{
    private static readonly Traffic Default = Traffic.Generate(TrafficModel.Default, 1, "site.example");
    private static readonly List<Sender> Bots = [.. Default.Senders.Where(static sender => sender.IsBot)];
    private static readonly List<Sender> Honest = [.. Default.Senders.Where(static sender => !sender.IsBot)];

    [Fact]
    public void The_same_seed_gives_the_same_traffic_and_another_seed_another()
    {
        Assert.Equal(Describe(Default), Describe(Traffic.Generate(TrafficModel.Default, 1, "site.example")));
        Assert.NotEqual(Describe(Default), Describe(Traffic.Generate(TrafficModel.Default, 2, "site.example")));
    }

    // The first numbers of a published implementation: the traffic of a seed must not change with the runtime.
    [Fact]
    public void The_dice_are_SplitMix64()
    {
        var dice = new Dice(1234567);

        Assert.Equal([6457827717110365317UL >> 11, 3203168211198807973UL >> 11, 9817491932198370423UL >> 11], [Next(), Next(), Next()]);

        ulong Next() => (ulong)(dice.Next() * (1UL << 53));
    }

    [Fact]
    public void A_spread_has_one_number_in_each_part_in_no_order()
    {
        var spread = new Dice(1).Spread(1000);

        Assert.Equal(Enumerable.Range(0, 1000), spread.Select(static number => (int)(number * 1000)).Order());
        Assert.NotEqual(spread.Order(), spread);
    }

    [Fact]
    public void There_are_as_many_as_the_model_says()
    {
        Assert.Equal((500, 800), (Bots.Count, Honest.Count));
        Assert.Equal(672, Honest.Count(static sender => sender.Hosts[0].IsKnown)); // 84 %
        Assert.Equal(180, Bots.Count(static bot => bot.Manners.TalksAfter is not null)); // 36 %
        Assert.Equal(22, Bots.Count(static bot => bot.Manners is { TalksAfter: null } && bot.Manners.Patience == Traffic.Forever)); // 7 % of the others
        Assert.Equal(350, Bots.Count(static bot => bot.Hosts[0].IsListed)); // 70 %
        Assert.Equal(250, Bots.Count(static bot => bot.Manners.From.EndsWith(Traffic.NoDomain, StringComparison.Ordinal)));
    }

    [Fact]
    public void Patience_follows_its_curve()
    {
        var sheddable = Bots.Where(static bot => bot.CanBeShed).ToList();

        Assert.All(Scenario.ShedAnchors, anchor =>
            Assert.Equal(anchor.Share, (double)sheddable.Count(bot => bot.Manners.Patience.TotalSeconds <= anchor.Seconds) / sheddable.Count, 0.005));
    }

    [Fact]
    public void Six_of_ten_bots_try_once_and_the_mean_is_two_and_a_half()
    {
        Assert.Equal(0.60, (double)Bots.Count(static bot => bot.Retries.Count == 0) / Bots.Count, 0.002);
        Assert.Equal(2.44, Bots.Average(static bot => bot.Retries.Count + 1), 0.15);
    }

    [Fact]
    public void Reverse_names_are_of_the_classes_that_they_stand_for()
    {
        var rules = new RdnsRules { BigSenders = new NameSuffixes(BigSenders.All.Select(static row => row.Domain)) };

        Assert.Equal(115, Bots.Count(bot => Kind(bot.Hosts[0]) is RdnsKind.None)); // 23 %
        Assert.Equal(75, Bots.Count(bot => Kind(bot.Hosts[0]) is RdnsKind.Unconfirmed)); // 15 %
        Assert.Equal(9, Bots.Count(bot => Kind(bot.Hosts[0]) is RdnsKind.Named)); // 1.8 %
        Assert.Equal(301, Bots.Count(bot => Kind(bot.Hosts[0]) is RdnsKind.Generic));
        var ofHonest = Honest.SelectMany(static sender => sender.Hosts).CountBy(Kind).ToDictionary();
        Assert.Equal([RdnsKind.Generic, RdnsKind.Named], ofHonest.Keys.OrderByDescending(static kind => kind is RdnsKind.Generic));
        Assert.InRange(ofHonest[RdnsKind.Generic], 22, 24); // 3 % of the small ones

        RdnsKind Kind(Host host) => rules.Classify(
            host.Name is null ? ReverseName.None : new ReverseName(host.LeadsBack ? ReverseNameStatus.Confirmed : ReverseNameStatus.Unconfirmed, host.Name),
            new RecordedWarnings()).Kind;
    }

    [Fact]
    public void No_two_hosts_share_an_address_or_a_name()
    {
        var hosts = Default.Senders.SelectMany(static sender => sender.Hosts).ToList();

        Assert.Distinct(hosts.Select(static host => host.Address));
        Assert.Distinct(hosts.Where(static host => host.Name is not null).Select(static host => host.Name));
        Assert.All(hosts, static host => Assert.Equal(Ip.Of("198.18.0.0"), host.Address.Network(15)));
    }

    [Fact]
    public void Retries_follow_one_another() => Assert.All(Default.Senders, static sender =>
    {
        Assert.Equal(sender.Retries.Order(), sender.Retries);
        Assert.All(sender.Retries, static retry => Assert.True(retry > TimeSpan.Zero));
        Assert.InRange(sender.FirstAt, TimeSpan.Zero, TimeSpan.FromHours(4));
    });

    [Fact]
    public void The_providers_of_2016_are_all_there()
    {
        var schedules = Honest.Select(static sender => (sender.Hosts.Count, First: sender.Retries[0])).Distinct().Order().ToList();

        Assert.Equal(
            [
                (1, 61.0), (1, 65.0), (1, 127.0), (1, 300.0), (1, 332.0), (1, 381.0), // hotmail, yandex, yahoo, Postfix, aol, india.com
                (2, 302.0), (2, 305.0), (3, 301.0), (7, 78.0), (7, 362.0), // mail.com, qq, gmx, mail.ru, gmail
            ],
            schedules.Select(static schedule => (schedule.Count, schedule.First.TotalSeconds)));
    }

    private static List<string> Describe(Traffic traffic) =>
        [.. traffic.Senders.Select(static sender => $"{sender.FirstAt} {sender.IsBot} {string.Join(' ', sender.Hosts)} {sender.Manners} {string.Join(' ', sender.Retries)}")];
}
