using System.Diagnostics.CodeAnalysis;
using System.Text;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Versions;

namespace Postern.Fuzz.Targets;

/// <summary>
/// main.cf and, behind a line <c>---</c>, master.cf: any text is read line by line, every value is expanded with the
/// others at hand, and the whole is loaded as the daemon would: to settings or to problems, never to an exception.
/// </summary>
internal static class MainCfTarget
{
    private const int LongestWarning = 200;
    private const string AnyMasterCf = "smtp inet n - n - 1 postscreen\n  -o stress=yes\nsmtpd pass - - n - - smtpd\n";

    public static readonly FuzzTarget Target = new(
        "main-cf", Run, MaxInput: 4096, MaxAllocated: (200_000_000, 400_000),
        ["\n---\n", "smtp inet n - n - 1 postscreen\n", "smtpd pass - - n - - smtpd\n", " -o postscreen_greet_wait=2s", "{", "}", "inet", "unix", "postscreen_access_list = ",
            "postscreen_dnsbl_sites = ", "bl.example=127.0.0.[2..11]*2", "postscreen_dnsbl_threshold = ", "postscreen_greet_action = ", "enforce", "mynetworks = ", "permit_mynetworks",
            "cidr:{{192.0.2.0/24 permit}}", "inline:{{a=b}}", "static:x", "inet_interfaces = ", "inet_protocols = ", "postern_handoff = ", "pass:", "receiver", "postscreen_upstream_proxy_protocol = haproxy",
            "postscreen_cache_map = ", "$", "$$", "${", "}", "$(", ")", "{", "?", ":", "==", "!=", "<", "<=", ">=", ">", "<=level", "{$a}", "$a", "a = ", "b = ", "\n", "\n ", "#", "= ",
            "compatibility_level = ", "3.6", "${stress?{2}:{6}}s", "${{$a} == {$b} ? {x} : {y}}", "$a$a", "\0", "\t", "\xff", "yes", "no", "99999999999999999999", "5d", "[::1]:25", "localhost:smtp"]);

    private static void Run(byte[] input)
    {
        var text = Encoding.Latin1.GetString(input);
        var parts = text.Split("\n---\n", 2);
        LoadAsTheDaemonDoes(parts[0], parts.Length == 1 ? AnyMasterCf : parts[1]);
        var sink = new CountingSink(text.Length + LongestWarning);
        var entries = new Dictionary<string, string>(StringComparer.Ordinal);
        var last = 0;
        foreach (var line in LogicalLines.Read(text, "main.cf", sink))
        {
            FuzzFailure.Unless(line.LineNumber > last && line.LastLineNumber >= line.LineNumber, "line numbers go up");
            last = line.LastLineNumber;
            FuzzFailure.Unless(!LogicalLines.IsSpace(line.Text[0]) && !line.Text.Contains('\n'), "a logical line begins with text and has no newline");
            if (NameValue.TrySplit(line.Text, out var name, out var value, out var problem))
                entries[name] = value;
            else
                sink.Warn(problem);
        }

        foreach (var (name, value) in entries)
        {
            var expander = new MacroExpander(entries.GetValueOrDefault, CompatibilityLevel.Comparisons, MacroFunctions.In(PostfixVersion.Known[^1]));
            var isExpanded = expander.TryExpand(value, out var result, out var error);
            FuzzFailure.Unless(result.Length <= MacroExpander.LongestResult, $"{name} became {result.Length} characters");
            FuzzFailure.Unless(isExpanded == error is null, "a result or an error");
            CheckConversions(isExpanded ? result : value);
        }
    }

    private static void LoadAsTheDaemonDoes(string main, string master)
    {
        var configuration = Configuration.Load("/etc/postfix", new TwoFiles(main, master), Host);
        FuzzFailure.Unless(configuration.HasErrors == configuration.Process is null, "settings, or errors");
        FuzzFailure.Unless(configuration.HasErrors || configuration.Services.Count > 0, "something to serve, or errors");
        FuzzFailure.Unless(
            configuration.HasErrors == configuration.Problems.Any(static problem => problem.Severity is ProblemSeverity.Error), "errors are among the problems");
        foreach (var problem in configuration.Problems)
            FuzzFailure.Unless(problem.Text.Length > 0 && problem.Remedy.Length > 0 && problem.Line >= 0, $"a problem without words: {problem}");
    }

    private static void CheckConversions(string value)
    {
        if (ParameterText.TryParseTime(value, 's', out var seconds))
            FuzzFailure.Unless(seconds >= 0, $"{value} is not {seconds} seconds");
        _ = ParameterText.TryParseLong(value, out _);
        _ = ParameterText.TryParseBool(value, out _);
        if (CompatibilityLevel.TryParse(value, out var level))
            FuzzFailure.Unless(level.CompareTo(level) == 0 && level.Major >= 0, $"{value} is not level {level}");
    }

    private static readonly HostFacts Host = new()
    {
        HostName = "mx.example.com",
        Addresses = [new InterfaceAddress(IpAddress.FromIPv4(0x7f000001), 8), new InterfaceAddress(IpAddress.FromIPv4(0xc0000201), 24)],
        FindUser = static name => name == "postfix" ? 103u : null,
        FindGroup = static name => name == "postdrop" ? 106u : null,
        ResolveHost = static name => IpAddress.TryParse(name, out var address) ? [address] : name == "localhost" ? [IpAddress.FromIPv4(0x7f000001)] : [],
        FindPort = static name => name switch { "smtp" => 25, "submission" => 587, _ => null },
    };

    private sealed class TwoFiles(string main, string master) : ITextFiles
    {
        public bool TryRead(string path, [NotNullWhen(true)] out TextFile? file, [NotNullWhen(false)] out string? reason)
        {
            var text = path == "/etc/postfix/main.cf" ? main : path == "/etc/postfix/master.cf" ? master : null;
            file = text is null ? null : new TextFile(text, Stamp(path)!.Value);
            reason = text is null ? "No such file or directory" : null;
            return text is not null;
        }

        public FileStamp? Stamp(string path) => path is "/etc/postfix/main.cf" or "/etc/postfix/master.cf" ? new FileStamp(1, 1, 1) : null;
    }
}
