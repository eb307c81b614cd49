namespace Postern.Core.Reporting;

/// <summary>What a line of a file was.</summary>
public enum LogLineKind
{
    /// <summary>A line of a mail log; or the last part of a record of several lines, which has been put together.</summary>
    MailLog,

    /// <summary>A part of a record of several lines, an empty line, or a remark of the program that has shown the log.</summary>
    Part,

    /// <summary>Nothing that could be read.</summary>
    Other,
}

/// <summary>
/// Reads files of mail logs line by line, whatever they are wrapped in: colours, JSON, and what <c>journalctl -o export</c>,
/// <c>verbose</c> and <c>json-pretty</c> spread over several lines.
/// </summary>
/// <param name="clock">What stamps leave out.</param>
public sealed class MailLogReader(LogClock clock)
{
    private const byte Escape = 0x1b, RecordSeparator = 0x1e;
    private const int MaxColoured = 64 * 1024;

    private LogFields? _fields, _spareFields; // most logs need none
    private byte[] _plain = [];

    /// <summary>Takes one line.</summary>
    /// <param name="line">Without its line end.</param>
    /// <param name="parsed">What it said; its parts are good until the next call.</param>
    public LogLineKind Read(ReadOnlySpan<byte> line, out MailLogLine parsed)
    {
        parsed = default;
        if (line.Contains(Escape))
            line = WithoutColours(line);
        if (line.IsEmpty)
            return End(out parsed);
        if (line[0] is (byte)'{' or RecordSeparator or (byte)'}')
            return ReadJson(line.TrimStart(RecordSeparator), out parsed);
        if (MailLogLine.TryParse(line, clock, out parsed))
            return LogLineKind.MailLog;
        return ReadPart(line, out parsed);
    }

    /// <summary>At the end of a file: a record that nothing has ended.</summary>
    public LogLineKind End(out MailLogLine parsed)
    {
        parsed = default;
        if (_fields is not { Any: true } fields)
            return LogLineKind.Part;
        var isMade = fields.TryMake(clock, out parsed);
        (_fields, _spareFields) = (_spareFields ?? new(), fields); // whose parts are needed until the next call
        _fields.Clear();
        return isMade ? LogLineKind.MailLog : LogLineKind.Part;
    }

    private LogLineKind ReadJson(ReadOnlySpan<byte> line, out MailLogLine parsed)
    {
        parsed = default;
        if (line.Length <= 1)
            return End(out parsed); // json-pretty: { or }
        var fields = _fields ??= new();
        fields.Clear();
        var isMade = fields.TryTakeJson(line) && fields.TryMake(clock, out parsed);
        fields.Clear();
        return isMade ? LogLineKind.MailLog : LogLineKind.Other;
    }

    private LogLineKind ReadPart(ReadOnlySpan<byte> line, out MailLogLine parsed)
    {
        parsed = default;
        if (line.StartsWith("-- "u8) || line.SequenceEqual("--"u8))
            return LogLineKind.Part; // a remark of journalctl's: -- Boot 0123456789abcdef --; between matches of grep
        if (line.StartsWith("data: {"u8))
            return ReadJson(line[6..], out parsed); // json-sse
        var fields = _fields ??= new();
        if (fields.TryTakeAssignment(line))
            return LogLineKind.Part;
        if (line.StartsWith("\t\""u8))
        {
            // json-pretty: a field a line
            byte[] json = [(byte)'{', .. line.TrimEnd(", "u8), (byte)'}'];
            return fields.TryTakeJson(json) ? LogLineKind.Part : LogLineKind.Other;
        }

        // verbose: Tue 2026-11-24 02:27:00.123456 UTC [s=08a14e7e152b4a0f;i=1]
        if (line.EndsWith("]"u8) && line.IndexOf(" [s="u8) is > 0 and var cursor)
        {
            var kind = End(out parsed);
            _fields.TakeTime(line[..cursor]);
            return kind;
        }

        return LogLineKind.Other;
    }

    // Away with what begins with ESC [ and ends with a letter (ECMA-48 CSI): colours.
    private ReadOnlySpan<byte> WithoutColours(ReadOnlySpan<byte> line)
    {
        if (line.Length > MaxColoured)
            return line;
        if (_plain.Length < line.Length)
            _plain = new byte[Math.Max(line.Length, 1024)];
        var length = 0;
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] != Escape)
            {
                _plain[length++] = line[i];
            }
            else if (i + 1 < line.Length && line[i + 1] == (byte)'[')
            {
                for (i += 2; i < line.Length && line[i] is < 0x40 or > 0x7e;)
                    i++;
            }
        }

        return _plain.AsSpan(0, length);
    }
}
