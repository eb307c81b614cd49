using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Lanes;
using Postern.Core.Replay;
using Postern.Core.Reporting;
using Postern.Core.Screening;

namespace Postern.Events;

/// <summary>Reads what <see cref="ClientEvent"/> writes, also as older versions wrote it.</summary>
internal static class ClientEventReader
{
    private static readonly Dictionary<string, ScreeningCause> Causes =
        Enum.GetValues<ScreeningCause>().ToDictionary(CauseText.Name, StringComparer.Ordinal);

    private static readonly Dictionary<string, RdnsReason> Classes =
        Enum.GetValues<RdnsReason>().GroupBy(static reason => new RdnsVerdict(reason).ToString(), StringComparer.Ordinal).ToDictionary(static same => same.Key, static same => same.First(), StringComparer.Ordinal);

    /// <summary>A line about one client.</summary>
    /// <param name="line">Without its line end.</param>
    /// <param name="client">What it says.</param>
    /// <returns>False for other lines: of another event, of a later schema, or damaged.</returns>
    public static bool TryRead(ReadOnlySpan<byte> line, [NotNullWhen(true)] out RecordedClient? client)
    {
        client = null;
        try
        {
            var reader = new Utf8JsonReader(line);
            using var document = JsonDocument.ParseValue(ref reader);
            var json = document.RootElement;
            if (json.GetProperty("event").GetString() != "client" || json.GetProperty("schema").GetInt32() != ClientEvent.SchemaVersion)
                return false;
            client = Read(json);
            return true;
        }
        catch (Exception reason) when (reason is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException)
        {
            return false; // cut by a crash, or by somebody's hand
        }
    }

    private static RecordedClient Read(JsonElement json)
    {
        var (address, port) = ReadEndpoint(json.GetProperty("client"));
        var (server, serverPort) = ReadEndpoint(json.GetProperty("server"));
        var causes = json.GetProperty("reasons").EnumerateArray().Aggregate(ScreeningCause.None, static (sum, reason) => sum | Causes.GetValueOrDefault(reason.GetString() ?? ""));
        var (due, passed, failed, dropped) = ReadResults(json.GetProperty("tests"));
        var lists = Find(json, "tests", "dnsbl", "score") is null ? null : Find(json, "tests", "dnsbl");
        var recipients = Find(json, "recipients");
        var problem = ReadProblem(json, causes);
        var outcome = problem is null ? ReadOutcome(json.GetProperty("outcome").GetString()) : Outcome.NotTaken; // once these counted as stopped
        var waited = Time(Find(json, "waited_ms"));
        return new RecordedClient
        {
            Connected = DateTimeOffset.Parse(json.GetProperty("time").GetString()!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal),
            Duration = Time(json.GetProperty("duration_ms"))!.Value,
            Address = address,
            Port = port,
            Server = new Endpoint(server, serverPort),
            Outcome = outcome,
            Entrance = ReadEntrance(Find(json, "let_in_by")?.GetString()),
            Causes = causes,
            Due = due,
            Passed = passed,
            Failed = failed,
            Dropped = dropped,
            TalkedAfter = Time(Find(json, "tests", "pregreet", "after_ms")),
            SaidQuit = Find(json, "tests", "pregreet", "text")?.GetString()?.TrimEnd().Equals("QUIT", StringComparison.OrdinalIgnoreCase) is true,
            Class = Find(json, "class")?.GetString() is { } word && Classes.TryGetValue(word, out var reason) ? new RdnsVerdict(reason).Kind : null,
            HungUpAfter = Time(Find(json, "hung_up_after_ms")),
            Waited = waited,
            HandoffTook = Time(Find(json, "handoff", "took_ms")),
            HandoffProblem = problem,
            UnderStress = Find(json, "stress")?.GetBoolean() is true,
            ListsWereAsked = lists is not null,
            Answers = lists is null ? [] : [.. lists.Value.GetProperty("answers").EnumerateArray().Select(ReadAnswer)],
            Answered = lists is { } asked && Find(asked, "answered_ms") is { } names ? names.EnumerateObject().DistinctBy(static list => list.Name).ToDictionary(static list => list.Name, static list => Time(list.Value)!.Value, StringComparer.Ordinal) : null,
            Unanswered = lists is { } some ? some.GetProperty("unanswered").GetInt32() : 0,
            Name = ReadName(Find(json, "class")?.GetString(), Find(json, "reverse_name")?.GetString()),
            Record = ReadRecord(json, "record"),
            Remembered = ReadRecord(json, "remembered"),
            Sender = Find(json, "sender")?.GetString(),
            Recipient = recipients is { } list && list.GetArrayLength() > 0 ? list[0].GetString() : null,
            Recipients = Find(json, "recipient_count")?.GetInt32() ?? 0,
            TalkedToUs = outcome is Outcome.ToldToComeBack || Find(json, "helo") is not null || Find(json, "sender") is not null || recipients is not null
                || (causes & (ScreeningCause.HangupAfter | ScreeningCause.CommandLimit)) != 0 || ScreeningTest.Deep.Any(test => failed.Has(test))
                || (outcome is Outcome.Stopped && ScreeningTest.Deep.Any(test => due.Has(test)) && (waited is not null || ScreeningTest.All.All(test => !test.IsEarly || !due.Has(test)))),
        };
    }

    private static (TestSet Due, TestSet Passed, TestSet Failed, TestSet Dropped) ReadResults(JsonElement tests)
    {
        var (due, passed, failed, dropped) = (default(TestSet), default(TestSet), default(TestSet), default(TestSet));
        foreach (var test in ScreeningTest.All)
        {
            if (Find(tests, CauseText.Name(test.Cause)) is not { } result)
                continue;
            due = due.With(test);
            switch (result.GetProperty("result").GetString())
            {
                case "passed":
                    passed = passed.With(test);
                    break;
                case "failed":
                    failed = failed.With(test);
                    if (result.GetProperty("action").GetString() == "drop")
                        dropped = dropped.With(test);
                    break;
            }
        }

        return (due, passed, failed, dropped);
    }

    private static RecordedAnswer ReadAnswer(JsonElement answer) => new(
        answer.GetProperty("list").GetString()!, AddressOf(answer.GetProperty("address")).IPv4Bits);

    // The name of those that look like servers was not always written down; any such name will do.
    private static ReverseName? ReadName(string? verdict, string? name)
    {
        if (verdict is null || !Classes.TryGetValue(verdict, out var reason) || reason is RdnsReason.Late)
            return null;
        return reason switch
        {
            RdnsReason.NoName => ReverseName.None,
            RdnsReason.NotConfirmed => new ReverseName(ReverseNameStatus.Unconfirmed, name ?? ""),
            RdnsReason.LookupFailed or RdnsReason.TableFailed => ReverseName.Failed,
            _ => name is null ? null : new ReverseName(ReverseNameStatus.Confirmed, name),
        };
    }

    private static TestExpiry? ReadRecord(JsonElement json, string name) => Find(json, name)?.GetString() is { } text ? CacheRecord.Parse(text) : null;

    // In the words of the mail log.
    private static string? ReadProblem(JsonElement json, ScreeningCause causes)
    {
        const string NoConnection = "cannot connect", NotPassed = "cannot pass connection", Busy = "all server ports busy";
        var service = Find(json, "handoff", "service")?.GetString();
        if (Find(json, "handoff", "problem")?.GetString() is not { } problem)
            return causes.HasFlag(ScreeningCause.NoRoom) && Find(json, "reply")?.GetString()?.Contains("All server ports are busy", StringComparison.Ordinal) is true ? Busy : null;
        foreach (var trouble in (ReadOnlySpan<string>)[NoConnection, NotPassed])
        {
            if (problem.StartsWith(trouble + ": ", StringComparison.Ordinal))
                return $"{trouble} to service {service}{problem.AsSpan(trouble.Length)}";
        }

        return problem == "timeout" ? $"timeout sending connection to service {service}" : service is null ? problem : $"relay target {service}: {problem}";
    }

    private static Outcome ReadOutcome(string? name) => Enum.GetValues<Outcome>().First(outcome => ClientEvent.Name(outcome) == name);

    private static Entrance ReadEntrance(string? name) => Enum.GetValues<Entrance>().FirstOrDefault(entrance => ClientEvent.Name(entrance) == name);

    private static (IpAddress Address, ushort Port) ReadEndpoint(JsonElement endpoint) => (AddressOf(endpoint.GetProperty("address")), endpoint.GetProperty("port").GetUInt16());

    private static IpAddress AddressOf(JsonElement text) =>
        IpAddress.TryParse(text.GetString(), out var address) ? address : throw new FormatException("no address");

    private static TimeSpan? Time(JsonElement? milliseconds) => milliseconds is { } number ? TimeSpan.FromMilliseconds(Math.Clamp(number.GetInt64(), 0, uint.MaxValue)) : null;

    private static JsonElement? Find(JsonElement json, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (!json.TryGetProperty(name, out json))
                return null;
        }

        return json;
    }
}
