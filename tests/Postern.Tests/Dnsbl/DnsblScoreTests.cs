using System.Text.Json;
using CsCheck;
using Postern.Core.Dnsbl;
using Postern.Core.Screening;
using Postern.Tests.Tables;

namespace Postern.Tests.Dnsbl;

public sealed class DnsblScoreTests
{
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(60), Most = TimeSpan.FromSeconds(3600);

    public static TheoryData<string> Vectors() => TableVectors.Read("dnsbl_score.json", "cases", "extra_cases");

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Vector(string json)
    {
        var vector = JsonDocument.Parse(json).RootElement;
        var score = Begin(vector.GetProperty("sites").GetString()!);

        foreach (var answer in vector.GetProperty("answers").EnumerateArray())
            Add(score, answer);

        Assert.Equal(vector.GetProperty("score").GetInt32(), score.Score);
        if (vector.TryGetProperty("ttl_used", out var ttl))
            Assert.Equal(TimeSpan.FromSeconds(ttl.GetInt32()), score.TimeToLive(Least, Most));
        if (vector.TryGetProperty("name", out var name))
            Assert.Equal(name.GetString(), score.Best!.Domain);
    }

    [Fact]
    public void Sessions_that_leave_early_take_nothing_from_those_that_stay()
    {
        using var vectors = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Vectors", "dnsbl_score.json")));
        var vector = vectors.RootElement.GetProperty("shared_record_case");
        var client = new ClientAddressState(Ip.Of("127.0.0.2"));
        var sites = Sites.Of(vector.GetProperty("sites").GetString()!);
        var score = client.JoinDnsbl(sites);
        score.Start(1);
        Assert.Same(score, client.JoinDnsbl(sites));
        Assert.Same(score, client.JoinDnsbl(sites));

        client.LeaveDnsbl(score);
        client.LeaveDnsbl(score);
        Assert.Equal(vector.GetProperty("early_fetch_score").GetInt32(), score.Score);
        Add(score, vector.GetProperty("answer"));

        Assert.Equal(vector.GetProperty("remaining_session_score").GetInt32(), score.Score);
        Assert.Equal(TimeSpan.FromSeconds(vector.GetProperty("remaining_session_ttl").GetInt32()), score.TimeToLive(Least, Most));
        Assert.Same(score, client.Dnsbl);
        client.LeaveDnsbl(score);
        Assert.Null(client.Dnsbl);
        Assert.NotSame(score, client.JoinDnsbl(sites));
    }

    [Fact]
    public void Answers_that_find_nobody_are_dropped()
    {
        var client = new ClientAddressState(Ip.Of("127.0.0.2"));
        var score = client.JoinDnsbl(Sites.Of("a.example"));
        score.Start(1);
        client.LeaveDnsbl(score);

        Assert.False(score.Add(score.Sites.Lists[0], Sites.Addresses("127.0.0.2"), 60));

        Assert.Equal(0, score.Score);
    }

    [Fact]
    public void Other_lists_make_another_score()
    {
        var client = new ClientAddressState(Ip.Of("127.0.0.2"));
        var before = client.JoinDnsbl(Sites.Of("a.example"));

        var after = client.JoinDnsbl(Sites.Of("a.example"));

        Assert.NotSame(before, after);
        client.LeaveDnsbl(before);
        Assert.Same(after, client.Dnsbl);
    }

    [Fact]
    public void A_list_that_took_too_long_keeps_the_score_incomplete_for_ever()
    {
        var score = Begin("a.example b.example");
        var (slow, quick) = (score.Sites.Lists[0], score.Sites.Lists[1]);

        Assert.True(score.GiveUp(slow));
        Assert.False(score.GiveUp(slow));
        Assert.False(score.Add(quick, Sites.Addresses("127.0.0.2"), 60));
        Assert.False(score.Add(slow, Sites.Addresses("127.0.0.2"), 60));

        Assert.Equal(1, score.Score);
        Assert.False(score.IsComplete);
    }

    [Theory]
    [InlineData("a.example", "127.255.255.254", 0)]
    [InlineData("a.example", "10.1.2.3", 0)]
    [InlineData("a.example=127.[0..255].[0..255].[0..255]", "127.255.255.254", 0)]
    [InlineData("a.example=[0..255].1.2.3", "10.1.2.3", 0)]
    [InlineData("a.example=127.255.255.[250..255]", "127.255.255.254", 1)]
    [InlineData("a.example=10.1.[0..9].[0..255]", "10.1.2.3", 1)]
    [InlineData("a.example", "127.0.0.255", 1)]
    [InlineData("a.example*-1", "127.0.0.255", 0)]
    [InlineData("a.example=127.0.[0..255].[0..255]*-1", "127.0.0.255", 0)]
    [InlineData("a.example=127.0.0.255*-1", "127.0.0.255", -1)]
    [InlineData("a.example=127.0.0.2 a.example=127.255.255.254*4", "127.255.255.254", 4)]
    public void Error_answers_count_only_where_a_filter_names_them(string sites, string answer, int expected)
    {
        var score = Begin(sites);
        score.Add(score.Sites.Lists[0], Sites.Addresses(answer), 900);
        Assert.Equal(expected, score.Score);
        Assert.Equal(TimeSpan.FromSeconds(expected == 0 ? 60 : 900), score.TimeToLive(Least, Most));
    }

    [Fact]
    public void Postscreen_counts_error_answers_and_so_do_we_if_told_to()
    {
        var score = new ClientAddressState(Ip.Of("192.0.2.1")).JoinDnsbl(Sites.Of("a.example*3 b.example", countsErrorAnswers: true));
        score.Start(2);

        score.Add(score.Sites.Lists[0], Sites.Addresses("127.255.255.254"), 900);
        score.Add(score.Sites.Lists[1], Sites.Addresses("10.0.0.1"), 800);

        Assert.Equal(4, score.Score);
        Assert.Equal(TimeSpan.FromSeconds(800), score.TimeToLive(Least, Most));
    }

    [Fact]
    public void A_listing_beside_an_error_answer_counts()
    {
        var score = Begin("a.example");

        score.Add(score.Sites.Lists[0], Sites.Addresses("127.255.255.254", "127.0.0.2"), 900);

        Assert.Equal(1, score.Score);
    }

    [Fact]
    public void The_maximum_time_is_stronger_than_the_minimum()
    {
        var score = Begin("a.example");
        score.Add(score.Sites.Lists[0], [], 100);

        Assert.Equal(TimeSpan.FromSeconds(50), score.TimeToLive(TimeSpan.FromSeconds(200), TimeSpan.FromSeconds(50)));
    }

    [Fact]
    public void The_score_does_not_depend_on_the_order_of_the_answers() =>
        Gen.Select(Gen.Int[-5, 5].Array[1, 8], Gen.Int[0, 3].Array[8], Gen.Int[0, 1000].Array[8]).SelectMany((weights, answers, order) =>
            Gen.Const((weights, answers, order))).Sample(story =>
        {
            var (weights, answers, order) = story;
            var sites = string.Join(' ', weights.Select((weight, i) => $"l{i}.example=127.0.0.[2..3]*{weight}"));

            var (inOrder, shuffled) = (Begin(sites), Begin(sites));
            var completions = 0;
            for (var i = 0; i < weights.Length; i++)
                completions += Answer(inOrder, i) ? 1 : 0;
            foreach (var i in Enumerable.Range(0, weights.Length).OrderBy(i => order[i]))
                Answer(shuffled, i);

            Assert.Equal(1, completions);
            Assert.True(inOrder.IsComplete && shuffled.IsComplete);
            Assert.Equal(weights.Where((_, i) => answers[i] is 2 or 3).Sum(), inOrder.Score);
            Assert.Equal(inOrder.Score, shuffled.Score);
            Assert.Equal(inOrder.Best is null, shuffled.Best is null);

            bool Answer(DnsblScore score, int i) =>
                score.Add(score.Sites.Lists[i], answers[i] == 0 ? [] : [0x7f000000u + (uint)answers[i]], 60);
        });

    private static DnsblScore Begin(string sites)
    {
        var score = new ClientAddressState(Ip.Of("192.0.2.1")).JoinDnsbl(Sites.Of(sites));
        score.Start(score.Sites.Lists.Length);
        return score;
    }

    private static void Add(DnsblScore score, JsonElement answer) => score.Add(
        score.Sites.Named(answer.GetProperty("domain").GetString()!),
        Sites.Addresses([.. answer.GetProperty("addresses").EnumerateArray().Select(a => a.GetString()!)]),
        answer.GetProperty("ttl").GetInt32());
}
