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

    private const int MostTime = 28;

    /// <param name="session">One with facts, that the loop is through with.</param>
    /// <param name="json">Takes one object.</param>
    public static void Write(Session session, Utf8JsonWriter json)
    {
        var facts = session.Facts!;
        json.WriteStartObject();
        json.WriteString("event"u8, "client"u8);
        json.WriteNumber("schema"u8, SchemaVersion);
        Span<byte> time = stackalloc byte[MostTime];
        json.WriteString("time"u8, time[..Format(facts.Connected, time)]);
        json.WriteNumber("duration_ms"u8, Milliseconds(facts.Ended - facts.Connected));
        WriteEndpoint(json, "client"u8, session.Client.Address, session.ClientPort);
        WriteEndpoint(json, "server"u8, session.Server.Address, session.Server.Port);
        json.WriteString("outcome"u8, Name(facts.Outcome));
        if (facts.Entrance is not Entrance.None)
            json.WriteString("let_in_by"u8, Name(facts.Entrance));
        WriteCauses(json, facts.Causes);
        WriteTests(json, session.Settings, facts);
        if (facts.Waited is { } waited)
            json.WriteNumber("waited_ms"u8, Milliseconds(waited));
        if (facts.UnderStress)
            json.WriteBoolean("stress"u8, true);
        if (facts.Rdns is { } rdns)
            json.WriteString("class"u8, rdns.ToString());
        if (facts.RdnsName is { } name)
            json.WriteString("reverse_name"u8, name);
        if (facts.Record is { } record)
            json.WriteString("record"u8, CacheRecord.Format(record));
        if (facts.Remembered is { } remembered)
            json.WriteString("remembered"u8, CacheRecord.Format(remembered));
        if (facts.HungUpAfter is { } after)
            json.WriteNumber("hung_up_after_ms"u8, Milliseconds(after));
        WriteDialogue(json, session.Settings, facts);
        if (facts.HandoffService is { } service)
            WriteHandoff(json, service, facts);
        json.WriteEndObject();
    }

    /// <summary>A moment as the event log writes it: UTC, milliseconds.</summary>
    public static string Time(DateTimeOffset moment)
    {
        Span<byte> text = stackalloc byte[MostTime];
        return Encoding.ASCII.GetString(text[..Format(moment, text)]);
    }

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

    // 2026-11-24T23:07:46.8123456Z, without what is finer than a millisecond: faster than a format of our own.
    private static int Format(DateTimeOffset moment, Span<byte> text)
    {
        const int Length = 23;
        moment.UtcDateTime.TryFormat(text, out _, "O", CultureInfo.InvariantCulture);
        text[Length] = (byte)'Z';
        return Length + 1;
    }

    private static void WriteEndpoint(Utf8JsonWriter json, ReadOnlySpan<byte> name, IpAddress address, ushort port)
    {
        json.WriteStartObject(name);
        Span<byte> text = stackalloc byte[IpAddress.MaxTextLength];
        json.WriteString("address"u8, text[..address.Format(text)]);
        json.WriteNumber("port"u8, port);
        json.WriteEndObject();
    }

    private static void WriteCauses(Utf8JsonWriter json, ScreeningCause causes)
    {
        json.WriteStartArray("reasons"u8);
        for (var bits = (int)causes; bits != 0; bits &= bits - 1)
            json.WriteStringValue(CauseText.Name((ScreeningCause)(bits & -bits)));
        json.WriteEndArray();
    }

    private static void WriteTests(Utf8JsonWriter json, Settings settings, ClientFacts facts)
    {
        json.WriteStartObject("tests"u8);
        foreach (var test in ScreeningTest.All)
        {
            if (!facts.Due.Has(test) && !facts.Failed.Has(test))
                continue;
            json.WriteStartObject(CauseText.Name(test.Cause));
            json.WriteString("result"u8, facts.Failed.Has(test) ? "failed" : facts.Passed.Has(test) ? "passed" : "unfinished");
            json.WriteString("action"u8, Name(test.Action(settings)));
            if (test == ScreeningTest.Pregreet && facts.PregreetLength > 0)
            {
                json.WriteNumber("after_ms"u8, Milliseconds(facts.PregreetAfter));
                json.WriteNumber("bytes"u8, facts.PregreetLength);
                WriteText(json, "text"u8, facts.PregreetText);
            }
            else if (test == ScreeningTest.Dnsbl && facts.DnsblScore is { } score)
            {
                json.WriteNumber("score"u8, score);
                json.WriteNumber("threshold"u8, settings.DnsblThreshold);
                json.WriteNumber("unanswered"u8, facts.DnsblUnanswered);
                json.WriteStartObject("answered_ms"u8);
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
        json.WriteStartArray("answers"u8);
        foreach (var listing in facts.Listings)
        {
            json.WriteStartObject();
            json.WriteString("list"u8, listing.List.Domain);
            json.WriteString("address"u8, IpAddress.FromIPv4(listing.Address).ToString());
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteDialogue(Utf8JsonWriter json, Settings settings, ClientFacts facts)
    {
        if (facts.Helo is { } helo)
            WriteText(json, "helo"u8, helo);
        if (facts.Sender is { } sender)
            WriteText(json, "sender"u8, sender);
        if (facts.RecipientCount > 0)
        {
            json.WriteStartArray("recipients"u8);
            foreach (var recipient in facts.Recipients)
                WriteText(json, recipient);
            json.WriteEndArray();
            json.WriteNumber("recipient_count"u8, facts.RecipientCount);
        }

        if (facts.Reply is not { } reply)
            return;
        var text = new ByteBuffer();
        reply.AppendTo(text, settings.SoftBounce);
        WriteText(json, "reply"u8, text.Written);
    }

    private static void WriteHandoff(Utf8JsonWriter json, string service, ClientFacts facts)
    {
        json.WriteStartObject("handoff"u8);
        json.WriteString("service"u8, service);
        if (facts.HandoffProblem is { } problem)
            json.WriteString("problem"u8, problem);
        else if (facts.IsHandedOff)
            json.WriteNumber("took_ms"u8, Milliseconds(facts.HandoffLasted));
        json.WriteEndObject();
    }

    private static string Name(FailAction action) => action switch
    {
        FailAction.Drop => "drop",
        FailAction.Enforce => "enforce",
        _ => "ignore",
    };

    private static long Milliseconds(TimeSpan time) => Math.Max(0, (long)time.TotalMilliseconds);

    private static void WriteText(Utf8JsonWriter json, ReadOnlySpan<byte> name, ReadOnlySpan<byte> bytes)
    {
        json.WritePropertyName(name);
        WriteText(json, bytes);
    }

    // UTF-8 where it is that; else each byte is a character, so that no byte is lost.
    private static void WriteText(Utf8JsonWriter json, ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
            json.WriteStringValue(bytes);
        else
            json.WriteStringValue(Encoding.Latin1.GetString(bytes));
    }
}
