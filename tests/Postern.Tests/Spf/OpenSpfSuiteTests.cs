using System.Text.Json;
using Postern.Core;
using Postern.Core.Spf;

namespace Postern.Tests.Spf;

/// <summary>
/// The OpenSPF test suite for RFC 7208, release 2014.04: Vectors/spf_rfc7208.json, its licence beside it. SPF records of
/// a name that has no TXT record count as TXT, as the suite wants it; a time-out is for the types that have no record.
/// </summary>
public sealed class OpenSpfSuiteTests
{
    private static readonly JsonElement Scenarios =
        JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Vectors", "spf_rfc7208.json"))).RootElement;

    public static TheoryData<string, string> Cases { get; } = ReadCases();

    private static TheoryData<string, string> ReadCases()
    {
        var cases = new TheoryData<string, string>();
        foreach (var scenario in Scenarios.EnumerateArray())
        {
            foreach (var test in scenario.GetProperty("tests").EnumerateArray())
                cases.Add(scenario.GetProperty("description").GetString()!, test.GetProperty("name").GetString()!);
        }

        return cases;
    }

    [Fact]
    public void The_suite_is_whole() => Assert.Equal(203, Cases.Count);

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_result_is_one_that_the_suite_allows(string description, string name)
    {
        var scenario = Scenarios.EnumerateArray().Single(scenario => scenario.GetProperty("description").GetString() == description);
        var test = scenario.GetProperty("tests").EnumerateArray().Single(test => test.GetProperty("name").GetString() == name);
        var (helo, sender) = (test.GetProperty("helo").GetString()!, test.GetProperty("mailfrom").GetString()!);
        var at = sender.LastIndexOf('@');
        var domain = sender.Length == 0 ? helo : sender[(at + 1)..];
        Assert.True(IpAddress.TryParse(test.GetProperty("host").GetString(), out var address));
        var client = new SpfClient(address) { LocalPart = at < 0 ? "" : sender[..at], SenderDomain = domain, HeloName = helo };

        var outcome = SpfCheck.Evaluate(client, domain, new Zone(scenario.GetProperty("zone")));

        Assert.Contains(outcome.Result?.ToString().ToLowerInvariant(), test.GetProperty("result").EnumerateArray().Select(static result => result.GetString()));
        if (test.TryGetProperty("explanation", out var explanation))
            Assert.Equal(explanation.GetString(), outcome.Explanation ?? "DEFAULT");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Answers_that_come_one_by_one_give_the_same(string description, string name)
    {
        var scenario = Scenarios.EnumerateArray().Single(scenario => scenario.GetProperty("description").GetString() == description);
        var test = scenario.GetProperty("tests").EnumerateArray().Single(test => test.GetProperty("name").GetString() == name);
        var sender = test.GetProperty("mailfrom").GetString()!;
        Assert.True(IpAddress.TryParse(test.GetProperty("host").GetString(), out var address));
        var domain = sender.Length == 0 ? test.GetProperty("helo").GetString()! : sender[(sender.LastIndexOf('@') + 1)..];
        var client = new SpfClient(address) { HeloName = test.GetProperty("helo").GetString()! };
        var zone = new Zone(scenario.GetProperty("zone"));
        var known = new KnownAnswers();

        SpfOutcome outcome;
        while ((outcome = SpfCheck.Evaluate(client, domain, known)).Result is null)
            Assert.True(known.TryAdd(outcome.Missing, zone.Find(outcome.Missing)), "the same query twice");

        Assert.Equal(SpfCheck.Evaluate(client, domain, zone), outcome with { Missing = default });
        Assert.InRange(known.Count, 0, 10 * 11 + 3); // ten terms, each with ten names at most
    }

    private sealed class KnownAnswers : Dictionary<SpfQuestion, SpfAnswer>, ISpfAnswers
    {
        public SpfAnswer? Find(SpfQuestion question) => this.GetValueOrDefault(question);
    }

    private sealed class Zone(JsonElement zone) : ISpfAnswers
    {
        public SpfAnswer Find(SpfQuestion question) => Find(question.Name, question.Type is SpfRecordType.Reverse ? "PTR" : question.Type.ToString().ToUpperInvariant(), links: 8);

        private SpfAnswer Find(string name, string type, int links)
        {
            List<string> texts = [];
            List<IpAddress> addresses = [];
            var timesOut = false;
            foreach (var owner in zone.EnumerateObject())
            {
                if (!owner.Name.TrimEnd('.').Equals(name.TrimEnd('.'), StringComparison.OrdinalIgnoreCase))
                    continue;
                foreach (var record in owner.Value.EnumerateArray())
                {
                    var value = record.GetArrayLength() > 1 ? record[record.GetArrayLength() - 1].GetString()! : "";
                    switch (record[0].GetString())
                    {
                        case "CNAME" when links > 0:
                            return Find(value, type, links - 1);
                        case "CNAME":
                            return SpfAnswer.Failure;
                        case "TIMEOUT":
                            timesOut = true;
                            break;
                        case "A" or "AAAA" when record[0].GetString() == type:
                            Assert.True(IpAddress.TryParse(value, out var address));
                            addresses.Add(address);
                            break;
                        case var other when other == type:
                            texts.Add(value);
                            break;
                    }
                }
            }

            return texts.Count + addresses.Count > 0 ? new SpfAnswer(Failed: false, texts, addresses) : timesOut ? SpfAnswer.Failure : SpfAnswer.Empty;
        }

        SpfAnswer? ISpfAnswers.Find(SpfQuestion question) => Find(question);
    }
}
