using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
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
    public const long SchemaVersion = 1;

    private const int MostTime = 28;

    // What needs no escape in JSON, nor in a web page that it stands in.
    private const string PlainCharacters = " !#$%()*,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~";
    private static readonly SearchValues<char> PlainText = SearchValues.Create(PlainCharacters);
    private static readonly SearchValues<byte> Plain = SearchValues.Create(Encoding.ASCII.GetBytes(PlainCharacters));

    /// <param name="session">One with facts, that the loop is through with.</param>
    /// <param name="line">Takes one object of JSON, without a line end.</param>
    public static void Write(Session session, ByteBuffer line)
    {
        var facts = session.Facts!;
        line.Append("{\"event\":\"client\",\"schema\":"u8).Append(SchemaVersion).Append(",\"time\":\""u8);
        line.Advance(Format(facts.Connected, line.Reserve(MostTime)));
        line.Append("\",\"duration_ms\":"u8).Append(Milliseconds(facts.Ended - facts.Connected));
        line.Append(",\"client\":{\"address\":\""u8).Append(session.Client.Address).Append("\",\"port\":"u8).Append(session.ClientPort);
        line.Append("},\"server\":{\"address\":\""u8).Append(session.Server.Address).Append("\",\"port\":"u8).Append(session.Server.Port);
        line.Append("},\"outcome\":\""u8).Append(Name(facts.Outcome)).Append((byte)'"');
        if (facts.Entrance is not Entrance.None)
            line.Append(",\"let_in_by\":\""u8).Append(Name(facts.Entrance)).Append((byte)'"');
        WriteCauses(line, facts.Causes);
        WriteTests(line, session.Settings, facts);
        if (facts.Waited is { } waited)
            line.Append(",\"waited_ms\":"u8).Append(Milliseconds(waited));
        if (facts.UnderStress)
            line.Append(",\"stress\":true"u8);
        if (facts.Rdns is { } rdns)
            WriteText(line.Append(",\"class\":"u8), rdns.ToString());
        if (facts.RdnsName is { } name)
            WriteText(line.Append(",\"reverse_name\":"u8), name);
        if (facts.Record is { } record)
            WriteText(line.Append(",\"record\":"u8), CacheRecord.Format(record));
        if (facts.Remembered is { } remembered)
            WriteText(line.Append(",\"remembered\":"u8), CacheRecord.Format(remembered));
        if (facts.HungUpAfter is { } after)
            line.Append(",\"hung_up_after_ms\":"u8).Append(Milliseconds(after));
        WriteDialogue(line, session.Settings, facts);
        if (facts.HandoffService is not null || facts.HandoffProblem is not null)
            WriteHandoff(line, facts);
        line.Append((byte)'}');
    }

    /// <summary>What was lost.</summary>
    /// <param name="line">Takes one object of JSON, without a line end.</param>
    public static void WriteLoss(long count, DateTimeOffset now, ByteBuffer line)
    {
        line.Append("{\"event\":\"lost\",\"schema\":"u8).Append(SchemaVersion).Append(",\"time\":\""u8);
        line.Advance(Format(now, line.Reserve(MostTime)));
        line.Append("\",\"count\":"u8).Append(count).Append((byte)'}');
    }

    /// <summary>In snake case.</summary>
    public static string Name(Outcome outcome) => outcome switch
    {
        Outcome.HandedOff => "handed_off",
        Outcome.ToldToComeBack => "told_to_come_back",
        Outcome.NotTaken => "not_taken",
        _ => "stopped",
    };

    /// <summary>In snake case.</summary>
    public static string Name(Entrance entrance) => entrance switch
    {
        Entrance.AccessList => "access_list",
        Entrance.Known => "known",
        Entrance.TestedAgain => "tested_again",
        Entrance.New => "new",
        Entrance.Provider => "provider",
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

    private static ByteBuffer Next(ByteBuffer line) => line[line.Length - 1] is (byte)'{' or (byte)'[' ? line : line.Append((byte)',');

    private static void WriteCauses(ByteBuffer line, ScreeningCause causes)
    {
        line.Append(",\"reasons\":["u8);
        for (var bits = (int)causes; bits != 0; bits &= bits - 1)
            Next(line).Append((byte)'"').Append(CauseText.Name((ScreeningCause)(bits & -bits))).Append((byte)'"');
        line.Append((byte)']');
    }

    private static void WriteTests(ByteBuffer line, Settings settings, ClientFacts facts)
    {
        line.Append(",\"tests\":{"u8);
        foreach (var test in ScreeningTest.All)
        {
            if (!facts.Due.Has(test) && !facts.Failed.Has(test))
                continue;
            Next(line).Append((byte)'"').Append(CauseText.Name(test.Cause)).Append("\":{\"result\":\""u8)
                .Append(facts.Failed.Has(test) ? "failed"u8 : facts.Passed.Has(test) ? "passed"u8 : "unfinished"u8)
                .Append("\",\"action\":\""u8).Append(Name(test.Action(settings))).Append((byte)'"');
            if (test == ScreeningTest.Pregreet && facts.PregreetLength > 0)
            {
                line.Append(",\"after_ms\":"u8).Append(Milliseconds(facts.PregreetAfter));
                line.Append(",\"bytes\":"u8).Append(facts.PregreetLength);
                WriteText(line.Append(",\"text\":"u8), facts.PregreetText);
            }
            else if (test == ScreeningTest.Dnsbl && facts.DnsblScore is { } score)
            {
                WriteDnsbl(line, settings, facts, score);
            }

            line.Append((byte)'}');
        }

        line.Append((byte)'}');
    }

    private static void WriteDnsbl(ByteBuffer line, Settings settings, ClientFacts facts, int score)
    {
        line.Append(",\"score\":"u8).Append(score);
        line.Append(",\"threshold\":"u8).Append(settings.DnsblThreshold);
        line.Append(",\"unanswered\":"u8).Append(facts.DnsblUnanswered);
        line.Append(",\"answered_ms\":{"u8);
        foreach (var answer in facts.DnsblAnswered)
        {
            WriteText(Next(line), answer.List.Domain);
            line.Append((byte)':').Append(Milliseconds(answer.After));
        }

        line.Append("},\"ttl_s\":{"u8);
        foreach (var answer in facts.DnsblAnswered)
        {
            if (answer.TimeToLive < 0)
                continue;
            WriteText(Next(line), answer.List.Domain);
            line.Append((byte)':').Append(answer.TimeToLive);
        }

        line.Append("},\"answers\":["u8);
        foreach (var listing in facts.Listings)
        {
            WriteText(Next(line).Append("{\"list\":"u8), listing.List.Domain);
            line.Append(",\"address\":\""u8).Append(IpAddress.FromIPv4(listing.Address)).Append("\"}"u8);
        }

        line.Append((byte)']');
    }

    private static void WriteDialogue(ByteBuffer line, Settings settings, ClientFacts facts)
    {
        if (facts.Helo is { } helo)
            WriteText(line.Append(",\"helo\":"u8), helo);
        if (facts.Sender is { } sender)
            WriteText(line.Append(",\"sender\":"u8), sender);
        if (facts.RecipientCount > 0)
        {
            line.Append(",\"recipients\":["u8);
            foreach (var recipient in facts.Recipients)
                WriteText(Next(line), recipient);
            line.Append((byte)']');
            line.Append(",\"recipient_count\":"u8).Append(facts.RecipientCount);
        }

        if (facts.Reply is not { } reply)
            return;
        var start = line.Append(",\"reply\":\""u8).Length;
        reply.AppendTo(line, settings.SoftBounce);
        if (line.Written[start..].ContainsAnyExcept(Plain))
        {
            var text = line.Written[start..].ToArray();
            line.Truncate(start);
            AppendEscaped(line, text);
        }

        line.Append((byte)'"');
    }

    private static void WriteHandoff(ByteBuffer line, ClientFacts facts)
    {
        line.Append(",\"handoff\":{"u8);
        if (facts.HandoffService is { } service)
            WriteText(line.Append("\"service\":"u8), service);
        if (facts.HandoffProblem is { } problem)
            WriteText(Next(line).Append("\"problem\":"u8), problem);
        else if (facts.IsHandedOff)
            line.Append(",\"took_ms\":"u8).Append(Milliseconds(facts.HandoffLasted));
        line.Append((byte)'}');
    }

    /// <summary>As the configuration has it.</summary>
    public static string Name(FailAction action) => action switch
    {
        FailAction.Drop => "drop",
        FailAction.Enforce => "enforce",
        _ => "ignore",
    };

    private static long Milliseconds(TimeSpan time) => Math.Max(0, time.Ticks / TimeSpan.TicksPerMillisecond);

    private static void WriteText(ByteBuffer line, ReadOnlySpan<byte> bytes)
    {
        line.Append((byte)'"');
        var plain = bytes.IndexOfAnyExcept(Plain);
        if (plain < 0)
            line.Append(bytes);
        else if (bytes[plain..].SequenceEqual("\r\n"u8)) // a command of an early talker
            line.Append(bytes[..plain]).Append("\\r\\n"u8);
        else
            AppendEscaped(line, bytes);
        line.Append((byte)'"');
    }

    // UTF-8 where it is that; else each byte is a character, so that no byte is lost.
    private static void AppendEscaped(ByteBuffer line, ReadOnlySpan<byte> bytes)
    {
        const int MostOfByte = 6; // \u000d
        var text = Utf8.IsValid(bytes) ? bytes : Encoding.UTF8.GetBytes(Encoding.Latin1.GetString(bytes));
        JavaScriptEncoder.Default.EncodeUtf8(text, line.Reserve(text.Length * MostOfByte), out _, out var written);
        line.Advance(written);
    }

    private static void WriteText(ByteBuffer line, string text)
    {
        line.Append((byte)'"');
        if (!text.AsSpan().ContainsAnyExcept(PlainText))
            line.Append(text);
        else
            AppendEscaped(line, Encoding.UTF8.GetBytes(text));
        line.Append((byte)'"');
    }
}
