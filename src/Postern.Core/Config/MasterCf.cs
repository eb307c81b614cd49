using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Postern.Core.Config;

/// <summary>Reads master.cf: one service a logical line, eight fields and the program's arguments.</summary>
internal static class MasterCf
{
    private const string FieldRemedy =
        "a line is: service type private unprivileged chroot wakeup maxproc command arguments; \"-\" takes a field's default";

    private static readonly string[] Types = ["inet", "unix", "fifo", "pass", "unix-dgram"];

    /// <summary>
    /// Reads all services; bad lines become problems and are left out. Of those with one name, or with one host and port
    /// however it is written (<c>smtp</c>, <c>25</c>), the last one stays, in the place of the first.
    /// </summary>
    public static IReadOnlyList<MasterCfEntry> Read(string text, string file, PortNames ports, ProblemList problems)
    {
        var entries = new List<MasterCfEntry>();
        var positions = new Dictionary<(string Name, string Type), int>();
        var sink = problems.Sink(
            new ConfigOrigin(file, 0), "begin continuation lines with a blank, and only those",
            static _ => ProblemSeverity.Warning);
        foreach (var line in LogicalLines.Read(text, file, sink))
        {
            var origin = new ConfigOrigin(file, line.LineNumber);
            var nul = line.Text.IndexOf('\0');
            var reader = new FieldReader(line, nul < 0 ? line.Text.Length : nul);
            if (!reader.TryReadEntry(origin, out var entry, out var problem))
            {
                problems.Error(origin, problem, FieldRemedy);
                continue;
            }

            var name = entry.Type == "inet" ? NameOf(entry.Endpoint, ports) : $"{(entry.IsPrivate ? "private" : "public")}/{entry.Name}";
            if (!positions.TryAdd((name, entry.Type), entries.Count))
            {
                ref var earlier = ref CollectionsMarshal.AsSpan(entries)[positions[(name, entry.Type)]];
                var duplicate = $"duplicate master.cf entry for service \"{earlier.Name}\" ({name}) -- using the last entry";
                var remedy = $"remove one of the two; the other is in line {earlier.Origin.Line}";
                if (earlier.IsScreening && !entry.IsScreening)
                    problems.Add(ProblemSeverity.Degraded, origin, duplicate, $"{remedy}, and as it is no client of that port is screened");
                else
                    problems.Warning(origin, duplicate, remedy);
                earlier = entry;
                continue;
            }

            entries.Add(entry);
        }

        return entries;
    }

    private static string NameOf(HostPort endpoint, PortNames ports)
    {
        var port = ports.Find(endpoint.Port)?.ToString(CultureInfo.InvariantCulture) ?? endpoint.Port;
        return endpoint.Host.Length == 0 ? port : $"[{endpoint.Host}]:{port}";
    }

    // Reads the fields of one line from left to right.
    private ref struct FieldReader(LogicalLine line, int length)
    {
        private const string Separators = " \t\r";

        private ReadOnlySpan<char> _rest = line.Text.AsSpan(0, length);
        private string? _problem;

        public bool TryReadEntry(
            ConfigOrigin origin, [NotNullWhen(true)] out MasterCfEntry? entry, [NotNullWhen(false)] out string? problem)
        {
            entry = ReadEntry(origin);
            problem = _problem;
            return problem is null && entry is not null;
        }

        private MasterCfEntry? ReadEntry(ConfigOrigin origin)
        {
            var name = ReadText("service name");
            var type = ReadText("transport type");
            if (_problem is null && Array.IndexOf(Types, type) < 0)
                _problem = $"bad transport type: {type}";
            var endpoint = default(HostPort);
            if (_problem is null && type == "inet"
                && !HostPort.TryParse(name, defaultHost: "", defaultPort: null, out endpoint, out var hostPortProblem))
                _problem = $"{hostPortProblem} in \"{name}\"";

            var isPrivate = ReadBool("private") ?? true;
            if (_problem is null && isPrivate && type == "inet")
                _problem = "inet service cannot be private";
            var isUnprivileged = ReadBool("unprivileged") ?? true;
            var chroot = ReadBool("chroot");
            var wakeUp = ReadNumber("wakeup_time") ?? 0;
            var processLimit = ReadNumber("max_proc");
            var command = ReadText("command");
            var arguments = new List<string>();
            var lines = new List<int>();
            while (_problem is null && TryReadArgument(out var argument, out var lineNumber))
            {
                arguments.Add(argument);
                lines.Add(lineNumber);
            }

            return _problem is not null
                ? null
                : new MasterCfEntry(
                    name, type, isPrivate, isUnprivileged, chroot, wakeUp, processLimit, command, arguments, origin)
                {
                    Endpoint = endpoint,
                    ArgumentLines = lines,
                };
        }

        private string ReadField(string field)
        {
            _rest = _rest.TrimStart(Separators);
            if (_rest.IsEmpty)
            {
                _problem ??= $"missing \"{field}\" field";
                return "";
            }

            var end = _rest.IndexOfAny(Separators);
            var text = end < 0 ? _rest : _rest[..end];
            _rest = _rest[text.Length..];
            return text.ToString();
        }

        private string ReadText(string field)
        {
            var text = ReadField(field);
            if (text == "-")
                _problem ??= $"field \"{field}\" has no default value";
            return text;
        }

        private bool? ReadBool(string field)
        {
            var text = ReadField(field);
            if (text is not ("-" or "y" or "n"))
                _problem ??= $"field \"{field}\": bad value: \"{text}\"";
            return text is "-" ? null : text is "y";
        }

        // The first character decides that it is a number; what follows the digits ("1000?") is ignored.
        private int? ReadNumber(string field)
        {
            var text = ReadField(field);
            if (text == "-")
                return null;
            var end = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
            var digits = end < 0 ? text : text.AsSpan(0, end);
            if (digits.IsEmpty)
                _problem ??= $"field \"{field}\": bad value: \"{text}\"";
            return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : int.MaxValue;
        }

        private bool TryReadArgument(out string argument, out int lineNumber)
        {
            argument = "";
            _rest = _rest.TrimStart(Separators);
            lineNumber = line.LineAt(length - _rest.Length);
            if (_rest.IsEmpty)
                return false;

            var level = 0;
            var end = 0;
            for (; end < _rest.Length && (level > 0 || !Separators.Contains(_rest[end])); end++)
            {
                if (_rest[end] == '{')
                    level++;
                else if (_rest[end] == '}' && level > 0)
                    level--;
            }

            var text = _rest[..end];
            _rest = _rest[end..];
            if (text[0] != '{')
            {
                argument = text.ToString();
                return true;
            }

            var close = BracedText.FindClose(text);
            if (close < 0)
                _problem = $"missing '}}' in \"{text}\"";
            else if (close + 1 < text.Length)
                _problem = $"syntax error after '}}' in \"{text}\"";
            else
                argument = text[1..close].Trim(LogicalLines.WhiteSpace).ToString();
            return _problem is null;
        }
    }
}
