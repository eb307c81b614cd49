using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Dnsbl;
using Postern.Core.Lanes;
using Postern.Core.Relay;
using Postern.Core.Screening;
using Postern.Core.Smtp;
using Postern.Core.Spf;

namespace Postern.Tests.Screening;

/// <summary>
/// Golden stories of one client. Lines that start with a setting name, "@" or "C" are the script; "S" and "=" are what
/// came out. POSTERN_UPDATE=1 writes them anew: review the difference like code.
/// </summary>
public sealed class TranscriptTests
{
    public static TheoryData<string> Stories()
    {
        var stories = new TheoryData<string>();
        foreach (var file in Directory.GetFiles(Folder, "*.transcript").Order(StringComparer.Ordinal))
            stories.Add(Path.GetFileNameWithoutExtension(file));
        Assert.NotEmpty(stories);
        return stories;
    }

    [Theory]
    [MemberData(nameof(Stories))]
    public void Story(string name)
    {
        var expected = File.ReadAllText(Path.Combine(Folder, name + ".transcript"));

        var actual = Play(expected);

        if (Environment.GetEnvironmentVariable("POSTERN_UPDATE") == "1")
            File.WriteAllText(Path.Combine(SourceFolder(), name + ".transcript"), actual);
        else
            Assert.Equal(expected, actual);
    }

    // What the server of stories with "live yes" or "auth yes" offers.
    private static readonly EhloOffer Offer =
        new(EhloKeywords.Pipelining | EhloKeywords.Size | EhloKeywords.EightBitMime | EhloKeywords.Dsn | EhloKeywords.StartTls | EhloKeywords.Auth, 5_000_000, null) { Mechanisms = ["PLAIN", "LOGIN"] };

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Transcripts");

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "Transcripts");

    private static string Play(string script)
    {
        var output = new StringBuilder();
        var settings = new Settings { MyHostname = "mx.example.com", Banner = "mx.example.com ESMTP Postfix", GreetBanner = "mx.example.com ESMTP" };
        var records = new List<string>();
        FakeShell? shell = null;
        foreach (var line in script.Split('\n'))
        {
            if (line.Length == 0 || line[0] == '#')
            {
                output.Append(line).Append('\n');
            }
            else if (line[0] is 'S' or '=')
            {
                continue;
            }
            else if (Regex.Match(line, @"^(?<kind>[@C]) (?<time>[\d.]+)\s+(?<what>.*)$") is { Success: true } step)
            {
                var time = TimeSpan.FromSeconds(double.Parse(step.Groups["time"].Value, CultureInfo.InvariantCulture));
                var what = step.Groups["what"].Value;
                if (shell is null)
                {
                    shell = Connect(settings, what, records, output, line);
                    continue;
                }

                shell.AdvanceTo(time);
                output.Append(line).Append('\n');
                Perform(shell, step.Groups["kind"].Value == "C", what);
            }
            else
            {
                output.Append(line).Append('\n');
                settings = Apply(settings, line, records);
            }
        }

        return output.ToString().TrimEnd('\n') + "\n";
    }

    private static FakeShell Connect(Settings settings, string what, List<string> records, StringBuilder output, string line)
    {
        var address = Regex.Match(what, @"^connect (\S+)$").Groups[1].Value;
        Assert.True(IpAddress.TryParse(address, out var client), line);
        var shell = new FakeShell(settings, client, offer: settings.LiveHandover || settings.AuthPassthrough ? new TargetOffer { Current = Offer } : null)
        {
            TlsIsReady = null,
            OnOutput = (time, text) =>
                output.Append(CultureInfo.InvariantCulture, $"{text[0]} {time.TotalSeconds:0.0##}  {text[2..]}\n"),
        };
        foreach (var record in records)
        {
            var fields = record.Split(';').Select(f => f[0] is '+' or '-'
                ? FakeShell.UnixSeconds(double.Parse(f, CultureInfo.InvariantCulture)) : uint.Parse(f, CultureInfo.InvariantCulture)).ToArray();
            shell.Allowlist[client] = new TestExpiry(fields[0], fields[1], fields[2], fields[3], fields[4]);
        }

        output.Append(line).Append('\n');
        shell.Connect();
        return shell;
    }

    private static void Perform(FakeShell shell, bool isClientTalk, string what)
    {
        if (isClientTalk)
        {
            shell.Receive(Encoding.Latin1.GetBytes(Unescape(what)));
            return;
        }

        if (Regex.Match(what, @"^(?<domain>\S+) answers(?<addresses>( [\d.]+)*), ttl (?<ttl>-?\d+)$") is { Success: true } answer)
        {
            var addresses = answer.Groups["addresses"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(a => Ip.Of(a).IPv4Bits);
            shell.Answer(answer.Groups["domain"].Value, int.Parse(answer.Groups["ttl"].Value, CultureInfo.InvariantCulture), [.. addresses]);
            return;
        }

        if (Regex.Match(what, @"^reverse name (?<status>\w+)( (?<name>\S+))?$") is { Success: true } reverse)
        {
            shell.TellName(new ReverseName(Enum.Parse<ReverseNameStatus>(reverse.Groups["status"].Value, ignoreCase: true), reverse.Groups["name"].Value));
            return;
        }

        switch (what)
        {
            case "hang up": shell.HangUp(); break;
            case "tls is ready": shell.AnswerTls(isReady: true); break;
            case "tls is unavailable": shell.AnswerTls(isReady: false); break;
            case "time passes": break;
            case "shutdown": shell.Shutdown(); break;
            case "server takes over": shell.TakeOver(); break;
            case "server is away": shell.FailHandover(new HandoffFailure(false, "tcp:10.0.0.5:25", "Connection refused")); break;
            case var _ when what.StartsWith("server says ", StringComparison.Ordinal):
                shell.FailHandover(new HandoffFailure(true, "tcp:10.0.0.5:25", "") { Answer = Encoding.Latin1.GetBytes(what[12..] + "\r\n") });
                break;
            case "server refuses": shell.FailHandoff(new HandoffFailure(false, "private/smtpd", "Connection refused")); break;
            case "server breaks": shell.FailHandoff(new HandoffFailure(true, "private/smtpd", "Broken pipe")); break;
            default: throw new InvalidDataException(what);
        }
    }

    /// <summary>C's escapes; CR LF is added unless the text says itself how it ends: in <c>\n</c>, or unfinished in <c>\.</c>.</summary>
    private static string Unescape(string text)
    {
        var end = text.EndsWith("\\n", StringComparison.Ordinal) || text.EndsWith("\\.", StringComparison.Ordinal) ? "" : "\r\n";
        return Regex.Replace(text, @"\\(?:x([0-9a-f]{2})|(.))", m => m.Groups[1].Success
            ? ((char)Convert.ToInt32(m.Groups[1].Value, 16)).ToString()
            : m.Groups[2].Value switch { "r" => "\r", "n" => "\n", "t" => "\t", "." => "", var other => other }) + end;
    }

    private static Settings Apply(Settings settings, string line, List<string> records)
    {
        var (name, value) = (line.Split(' ')[0], line[(line.IndexOf(' ') + 1)..]);
        switch (name)
        {
            case "greet_action": return settings with { GreetAction = Enum.Parse<FailAction>(value, ignoreCase: true) };
            case "greet_wait": return settings with { GreetWait = TimeSpan.FromSeconds(int.Parse(value, CultureInfo.InvariantCulture)) };
            case "greet_banner": return settings with { GreetBanner = value == "-" ? "" : value };
            case "soft_bounce": return settings with { SoftBounce = value == "yes" };
            case "pipelining": return settings with { PipeliningEnable = true, PipeliningAction = Enum.Parse<FailAction>(value, ignoreCase: true) };
            case "non_smtp": return settings with { NonSmtpCommandEnable = true, NonSmtpCommandAction = Enum.Parse<FailAction>(value, ignoreCase: true) };
            case "bare_newline": return settings with { BareNewlineEnable = true, BareNewlineAction = Enum.Parse<FailAction>(value, ignoreCase: true) };
            case "live": return settings with { LiveHandover = value == "yes" };
            case "command_count": return settings with { CommandCountLimit = int.Parse(value, CultureInfo.InvariantCulture) };
            case "command_time": return settings with { CommandTimeLimit = TimeSpan.FromSeconds(int.Parse(value, CultureInfo.InvariantCulture)) };
            case "auth": return settings with { AuthPassthrough = value == "yes" };
            case "tls": return settings with { TlsLevel = Enum.Parse<TlsLevel>(value, ignoreCase: true) };
            case "discard": return settings with { DiscardEhloKeywords = value };
            case "dnsbl_sites": return settings with { DnsblSites = DnsblSites.Parse(value, null, countsErrorAnswers: false, new ThrowingSink(), new ThrowingSink()) };
            case "dnsbl_action": return settings with { DnsblAction = Enum.Parse<FailAction>(value, ignoreCase: true) };
            case "dnsbl_threshold": return settings with { DnsblThreshold = int.Parse(value, CultureInfo.InvariantCulture) };
            case "dnsbl_allowlist_threshold": return settings with { DnsblAllowlistThreshold = int.Parse(value, CultureInfo.InvariantCulture) };
            case "lanes":
                var waits = new LaneWaits(TimeSpan.FromSeconds(int.Parse(value, CultureInfo.InvariantCulture)), default, default);
                return settings with { Lanes = new LaneSettings { Waits = waits, Rules = new RdnsRules { BigSenders = new NameSuffixes(["big.example"]) } } };
            case "keepalive":
                return settings with { Lanes = settings.Lanes! with { Keepalive = TimeSpan.FromSeconds(int.Parse(value, CultureInfo.InvariantCulture)) } };
            case "provider":
                Assert.True(Provider.TryParse(value, out var provider, out _), value);
                return settings with { Providers = [provider] };
            case "record":
                records.Add(value);
                return settings;
            default: throw new InvalidDataException(line);
        }
    }

    private sealed class ThrowingSink : IWarningSink
    {
        public void Warn(string text) => throw new InvalidDataException(text);
    }
}
