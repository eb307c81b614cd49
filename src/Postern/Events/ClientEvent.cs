using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Reporting;
using Postern.Core.Screening;

namespace Postern.Events;

/// <summary>The line of the event log about one client. docs/event-log.md says what each field means.</summary>
internal static class ClientEvent
{
    /// <summary>Goes up when a field changes its meaning or goes away; new fields leave it.</summary>
    public const int SchemaVersion = 1;

    /// <param name="session">One with facts, that the loop is through with.</param>
    /// <param name="json">Takes one object.</param>
    public static void Write(Session session, Utf8JsonWriter json)
    {
        var facts = session.Facts!;
        json.WriteStartObject();
        json.WriteString("event", "client");
        json.WriteNumber("schema", SchemaVersion);
        json.WriteString("time", Time(facts.Connected));
        json.WriteNumber("duration_ms", Milliseconds(facts.Ended - facts.Connected));
        WriteEndpoint(json, "client", session.Client.Address, session.ClientPort);
        WriteEndpoint(json, "server", session.Server.Address, session.Server.Port);
        json.WriteString("outcome", Name(facts.Outcome));
        if (facts.Entrance is not Entrance.None)
            json.WriteString("let_in_by", Name(facts.Entrance));
        WriteCauses(json, facts.Causes);
        WriteTests(json, session.Settings, facts);
        if (facts.Waited is { } waited)
            json.WriteNumber("waited_ms", Milliseconds(waited));
        if (facts.UnderStress)
            json.WriteBoolean("stress", true);
        if (facts.Rdns is { } rdns)
            json.WriteString("class", rdns.ToString());
        if (facts.RdnsName is { } name)
            json.WriteString("reverse_name", name);
        if (facts.Record is { } record)
            json.WriteString("record", CacheRecord.Format(record));
        if (facts.Remembered is { } remembered)
            json.WriteString("remembered", CacheRecord.Format(remembered));
        if (facts.HungUpAfter is { } after)
            json.WriteNumber("hung_up_after_ms", Milliseconds(after));
        WriteDialogue(json, session.Settings, facts);
        if (facts.HandoffService is { } service)
            WriteHandoff(json, service, facts);
        json.WriteEndObject();
    }

    /// <summary>A moment as the event log writes it: UTC, milliseconds.</summary>
    public static string Time(DateTimeOffset moment) => moment.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    /// <summary>In snake case.</summary>
    public static string Name(Outcome outcome) => outcome switch
    {
        Outcome.HandedOff => "handed_off",
        Outcome.ToldToComeBack => "told_to_come_back",
        _ => "stopped",
    };

    /// <summary>In snake case.</summary>
    public static string Name(Entrance entrance) => entrance switch
    {
        Entrance.AccessList => "access_list",
        Entrance.Known => "known",
        Entrance.TestedAgain => "tested_again",
        Entrance.New => "new",
        _ => "nothing",
    };

    private static void WriteEndpoint(Utf8JsonWriter json, string name, IpAddress address, ushort port)
    {
        json.WriteStartObject(name);
        json.WriteString("address", address.ToString());
        json.WriteNumber("port", port);
        json.WriteEndObject();
    }

    private static void WriteCauses(Utf8JsonWriter json, ScreeningCause causes)
    {
        json.WriteStartArray("reasons");
        for (var bits = (int)causes; bits != 0; bits &= bits - 1)
            json.WriteStringValue(CauseText.Name((ScreeningCause)(bits & -bits)));
        json.WriteEndArray();
    }

    private static void WriteTests(Utf8JsonWriter json, Settings settings, ClientFacts facts)
    {
        json.WriteStartObject("tests");
        foreach (var test in ScreeningTest.All)
        {
            if (!facts.Due.Has(test) && !facts.Failed.Has(test))
                continue;
            json.WriteStartObject(CauseText.Name(test.Cause));
            json.WriteString("result", facts.Failed.Has(test) ? "failed" : facts.Passed.Has(test) ? "passed" : "unfinished");
            json.WriteString("action", Name(test.Action(settings)));
            if (test == ScreeningTest.Pregreet && facts.PregreetLength > 0)
            {
                json.WriteNumber("after_ms", Milliseconds(facts.PregreetAfter));
                json.WriteNumber("bytes", facts.PregreetLength);
                json.WriteString("text", TextOf(facts.PregreetText));
            }
            else if (test == ScreeningTest.Dnsbl && facts.DnsblScore is { } score)
            {
                json.WriteNumber("score", score);
                json.WriteNumber("threshold", settings.DnsblThreshold);
                json.WriteNumber("unanswered", facts.DnsblUnanswered);
                json.WriteStartObject("answered_ms");
                foreach (var (list, after) in facts.DnsblAnswered)
                    json.WriteNumber(list.Domain, Milliseconds(after));
                json.WriteEndObject();
                WriteListings(json, facts);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WriteListings(Utf8JsonWriter json, ClientFacts facts)
    {
        json.WriteStartArray("answers");
        foreach (var listing in facts.Listings)
        {
            json.WriteStartObject();
            json.WriteString("list", listing.List.Domain);
            json.WriteString("address", IpAddress.FromIPv4(listing.Address).ToString());
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteDialogue(Utf8JsonWriter json, Settings settings, ClientFacts facts)
    {
        if (facts.Helo is { } helo)
            json.WriteString("helo", TextOf(helo));
        if (facts.Sender is { } sender)
            json.WriteString("sender", TextOf(sender));
        if (facts.RecipientCount > 0)
        {
            json.WriteStartArray("recipients");
            foreach (var recipient in facts.Recipients)
                json.WriteStringValue(TextOf(recipient));
            json.WriteEndArray();
            json.WriteNumber("recipient_count", facts.RecipientCount);
        }

        if (facts.Reply is not { } reply)
            return;
        var text = new ByteBuffer();
        reply.AppendTo(text, settings.SoftBounce);
        json.WriteString("reply", TextOf(text.Written));
    }

    private static void WriteHandoff(Utf8JsonWriter json, string service, ClientFacts facts)
    {
        json.WriteStartObject("handoff");
        json.WriteString("service", service);
        if (facts.HandoffProblem is { } problem)
            json.WriteString("problem", problem);
        else if (facts.IsHandedOff)
            json.WriteNumber("took_ms", Milliseconds(facts.HandoffLasted));
        json.WriteEndObject();
    }

    private static string Name(FailAction action) => action switch
    {
        FailAction.Drop => "drop",
        FailAction.Enforce => "enforce",
        _ => "ignore",
    };

    private static long Milliseconds(TimeSpan time) => Math.Max(0, (long)time.TotalMilliseconds);

    // UTF-8 where it is that; else each byte is a character, so that no byte is lost.
    private static string TextOf(ReadOnlySpan<byte> bytes) => (Utf8.IsValid(bytes) ? Encoding.UTF8 : Encoding.Latin1).GetString(bytes);
}
