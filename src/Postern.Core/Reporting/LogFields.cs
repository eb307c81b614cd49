using System.Buffers.Text;
using System.Text.Json;

namespace Postern.Core.Reporting;

/// <summary>
/// A log line whose parts have names: what <c>journalctl -o json</c>, <c>export</c> and <c>verbose</c>, Docker, and shippers of logs
/// write. The names are looked for, whatever the order.
/// </summary>
internal sealed class LogFields
{
    private const int MaxText = 64 * 1024; // bytes of all fields that are kept
    private const int EpochDigits = 10, MicrosecondDigits = 16; // of seconds and of microseconds since 1970

    // By how much they are worth: a field is not replaced by one of less.
    private static readonly (string Name, Part Part, int Worth)[] Names =
    [
        ("MESSAGE", Part.Message, 2), ("message", Part.Message, 2), ("msg", Part.Message, 2), ("log", Part.Message, 2), ("short_message", Part.Message, 1), ("line", Part.Message, 1),
        ("__REALTIME_TIMESTAMP", Part.Time, 2), ("time", Part.Time, 2), ("timestamp", Part.Time, 2), ("@timestamp", Part.Time, 1), ("ts", Part.Time, 1), ("date", Part.Time, 1),
        ("_HOSTNAME", Part.Host, 2), ("host", Part.Host, 2), ("hostname", Part.Host, 2), ("CONTAINER_NAME", Part.Host, 1), ("container_name", Part.Host, 1),
        ("SYSLOG_IDENTIFIER", Part.Program, 2), ("syslogtag", Part.Program, 2), ("programname", Part.Program, 2), ("program", Part.Program, 2), ("appname", Part.Program, 2),
        ("app-name", Part.Program, 2), ("ident", Part.Program, 2), ("tag", Part.Program, 1),
        ("SYSLOG_PID", Part.ProcessId, 2), ("_PID", Part.ProcessId, 1), ("procid", Part.ProcessId, 2), ("pid", Part.ProcessId, 2),
    ];

    private readonly byte[] _text = new byte[MaxText];
    private readonly (int Start, int Length, int Worth)[] _parts = new (int, int, int)[Enum.GetValues<Part>().Length];
    private int _used;

    private enum Part
    {
        Message,
        Time,
        Host,
        Program,
        ProcessId,
    }

    /// <summary>Whether a field was found since <see cref="Clear"/>.</summary>
    public bool Any { get; private set; }

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        _parts.AsSpan().Clear();
        (_used, Any) = (0, false);
    }

    /// <summary>Takes the fields of an object of JSON; those inside of other objects are not looked at.</summary>
    /// <returns>False when it is none.</returns>
    public bool TryTakeJson(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read() || reader.TokenType is not JsonTokenType.StartObject)
                return false;
            while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
            {
                var (part, worth) = Find(ref reader);
                reader.Read();
                if (worth == 0)
                    reader.Skip();
                else
                    Take(ref reader, part, worth);
            }

            Any = true;
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Takes a line such as <c>_HOSTNAME=mx</c>.</summary>
    /// <returns>False when it is none.</returns>
    public bool TryTakeAssignment(ReadOnlySpan<byte> line)
    {
        line = line.TrimStart((byte)' ');
        if (line.IndexOf((byte)'=') is not (> 0 and var equals) || line[..equals].ContainsAnyExcept("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"u8))
            return false;
        foreach (var (name, part, worth) in Names)
        {
            if (System.Text.Ascii.Equals(line[..equals], name))
                Take(line[(equals + 1)..], part, worth);
        }

        Any = true;
        return true;
    }

    /// <summary>Takes a time stamp that stands by itself.</summary>
    public void TakeTime(ReadOnlySpan<byte> stamp)
    {
        Take(stamp, Part.Time, worth: 1);
        Any = true;
    }

    /// <summary>The line that they make; its parts are good until the next call.</summary>
    public bool TryMake(LogClock clock, out MailLogLine line)
    {
        line = default;
        var message = Text(Part.Message).Trim(" \r\n"u8);
        if (message.IsEmpty)
            return false;
        var hasTime = TryReadTime(Text(Part.Time), clock, out var time, out var offset);
        var tag = Text(Part.Program).TrimEnd(": "u8);
        var host = Text(Part.Host);
        if (tag.IsEmpty || !hasTime)
        {
            if (MailLogLine.TryParse(message, clock, out line))
            {
                line = new MailLogLine(hasTime ? time : line.Time, hasTime ? offset : line.Offset, line.Host.IsEmpty ? host : line.Host, line);
                return true;
            }

            if (!hasTime || !LogLineForms.TryFindTag(message, out var start, out tag, out var id, out message) || start != 0)
                return false;
            line = new MailLogLine(time, offset, host, tag, id, message);
            return true;
        }

        _ = Utf8Parser.TryParse(Text(Part.ProcessId), out uint processId, out _);
        MailLogLine.SplitTag(ref tag, ref processId);

        // Some shippers leave the tag in the message, too.
        if (LogLineForms.TryFindTag(message, out var inner, out var innerTag, out var innerId, out var rest) && inner == 0)
        {
            tag = innerTag;
            processId = innerId;
            message = rest;
        }

        line = new MailLogLine(time, offset, host, tag, processId, LogLineForms.WithoutMessageId(message)).Innermost(clock);
        return true;
    }

    private static (Part Part, int Worth) Find(ref Utf8JsonReader reader)
    {
        foreach (var (name, part, worth) in Names)
        {
            if (reader.ValueTextEquals(name))
                return (part, worth);
        }

        return default;
    }

    private void Take(ref Utf8JsonReader reader, Part part, int worth)
    {
        if (reader.TokenType is JsonTokenType.String && reader.ValueSpan.Length <= MaxText - _used)
        {
            var length = reader.CopyString(_text.AsSpan(_used));
            Keep(length, part, worth);
        }
        else if (reader.TokenType is JsonTokenType.Number)
        {
            Take(reader.ValueSpan, part, worth);
        }
        else if (reader.TokenType is JsonTokenType.StartArray && part is Part.Message)
        {
            // The journal writes what is not UTF-8 as an array of bytes.
            var length = 0;
            while (reader.Read() && reader.TokenType is JsonTokenType.Number)
            {
                if (_used + length < MaxText && reader.TryGetByte(out var value))
                    _text[_used + length++] = value;
            }

            Keep(length, part, worth);
        }
        else
        {
            reader.Skip();
        }
    }

    private void Take(ReadOnlySpan<byte> value, Part part, int worth)
    {
        if (!value.TryCopyTo(_text.AsSpan(_used)))
            return;
        Keep(value.Length, part, worth);
    }

    private void Keep(int length, Part part, int worth)
    {
        if (length == 0 || worth <= _parts[(int)part].Worth)
            return;
        _parts[(int)part] = (_used, length, worth);
        _used += length;
    }

    private ReadOnlySpan<byte> Text(Part part) => _text.AsSpan(_parts[(int)part].Start, _parts[(int)part].Length);

    // A stamp, or a number: seconds since 1970, or thousandths or millionths of them.
    private static bool TryReadTime(ReadOnlySpan<byte> text, LogClock clock, out DateTime time, out TimeSpan? offset)
    {
        (time, offset) = (default, null);
        var digits = text.IndexOf((byte)'.') is > 0 and var point ? text[..point] : text;
        if (digits.Length is >= EpochDigits and <= MicrosecondDigits && LogStamp.TryReadNumber(digits[..EpochDigits], out _) && Utf8Parser.TryParse(digits, out long number, out var length) && length == digits.Length)
        {
            for (var more = digits.Length - EpochDigits; more > 0; more--)
                number /= 10;
            time = clock.OfEpoch(number, out var ahead);
            offset = ahead;
            return true;
        }

        if (!LogStamp.TryFind(text, clock, out var stamp) || !stamp.HasDate)
            return false;
        (time, offset) = (stamp.Time, stamp.Offset);
        return true;
    }
}
