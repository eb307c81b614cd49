using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Postern.Native;
using Postern.ProcessLife;
using Postern.Tests.Logging;
using Postern.Tests.Tls;

namespace Postern.Tests.Checks;

/// <summary>The configuration of a lab case, laid out as the lab does (see the head of smtplab/case.py there), and the warnings that Postfix logged with it.</summary>
internal sealed partial class LabCase : IDisposable
{
    private const string MainCf = """
        compatibility_level = 3.6
        queue_directory = {work}/queue
        data_directory = {work}/data
        command_directory = /usr/sbin
        daemon_directory = /usr/lib/postfix/sbin
        mail_owner = postfix
        setgid_group = postdrop
        maillog_file = {work}/log/maillog
        maillog_file_prefixes = {work}
        maillog_file_permissions = 0644
        myhostname = mail.lab.example
        mydomain = lab.example
        mydestination = lab.example
        inet_interfaces = all
        inet_protocols = ipv4
        mynetworks = 127.0.0.99/32
        smtpd_banner = $myhostname ESMTP
        local_recipient_maps =
        local_transport = discard:
        alias_maps =
        alias_database =
        smtpd_peername_lookup = no
        smtputf8_enable = no
        smtpd_tls_security_level = none
        postscreen_greet_wait = 1s
        postscreen_cache_map = btree:$data_directory/postscreen_cache
        """;

    private const string MasterCf = """
        smtpd pass - - n - - smtpd
        dnsblog unix - - n - 0 dnsblog
        tlsproxy unix - - n - 0 tlsproxy
        pickup unix n - n 60 1 pickup
        cleanup unix n - n - 0 cleanup
        qmgr unix n - n 300 1 qmgr
        proxymap unix - - n - - proxymap
        """;

    private static readonly TestCertificates Certificate = TestCertificates.Create("mail.lab.example", elliptic: true);

    private readonly TemporaryFolder _work = new();
    private readonly List<string> _main = [], _master = [];
    private readonly Dictionary<string, List<string>> _files = [];
    private readonly List<(string Type, string Name)> _postmaps = [];
    private Socket? _server;

    /// <summary>Reads a case and lays its files out.</summary>
    /// <param name="golden">What Postfix did with it.</param>
    public LabCase(string path, string golden)
    {
        foreach (var line in File.ReadAllLines(path, Encoding.Latin1))
            Take(line);
        LayOut();
        Warnings = [.. ReadWarnings(File.ReadAllText(golden, Encoding.Latin1).Replace("WORK", _work.Path, StringComparison.Ordinal)).Distinct()];
    }

    public string Directory => _work["config"];

    /// <summary>What stands for <c>WORK</c> in transcripts.</summary>
    public string Work => _work.Path;

    /// <summary>What Postfix warned of: texts without severity.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>The database types that postmap could not make here.</summary>
    public string? Lack { get; private set; }

    public void Dispose()
    {
        _server?.Dispose();
        _work.Dispose();
    }

    private List<string>? _block;

    private void Take(string line)
    {
        if (line.StartsWith('#') || line.Trim().Length == 0)
            return;
        if (char.IsWhiteSpace(line[0]))
        {
            _block?.Add(line.Trim());
            return;
        }

        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        _block = words[0] switch
        {
            "main.cf" => _main,
            "master.cf" => _master,
            "file" => _files[words[1]] = [],
            _ => null,
        };
        if (words[0] == "postmap")
            _postmaps.Add((words[1], words[2]));
    }

    private void LayOut()
    {
        foreach (var folder in (string[])["config", "queue/private", "data", "log"])
            System.IO.Directory.CreateDirectory(_work[folder]);
        var own = _main.Where(static line => !line.StartsWith("raw ", StringComparison.Ordinal) && line.Contains('=')).Select(NameOf).ToHashSet();
        Write("cert.pem", Certificate.Chain);
        Write("key.pem", Certificate.Key);
        string[] tls = [$"smtpd_tls_cert_file = {Work}/cert.pem", $"smtpd_tls_key_file = {Work}/key.pem"];
        var main = MainCf.Replace("{work}", Work, StringComparison.Ordinal).Split('\n').Where(line => !own.Contains(NameOf(line))).Concat(tls).Concat(_main.Select(Unescape));
        Write("config/main.cf", string.Join('\n', main).Replace("{config}", Directory, StringComparison.Ordinal) + "\n");
        var screening = _master.Count > 0 ? _master : ["smtp inet n - n - 1 postscreen"];
        Write("config/master.cf", string.Join('\n', screening.Select(static line => line.StartsWith("-o", StringComparison.Ordinal) ? "  " + line : Unescape(line))) + "\n" + MasterCf + "\n");
        foreach (var (name, lines) in _files)
            Write("config/" + name, string.Join('\n', lines.Select(Unescape)).Replace("{config}", Directory, StringComparison.Ordinal) + "\n");
        foreach (var (type, name) in _postmaps)
            Lack ??= Postmap($"{type}:{Directory}/{name}");
        if (Privileges.KeeperOf("postfix") is var (user, group))
            _ = Libc.chown(_work["data"], user, group);
        _server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified); // as Postfix's master has it
        _server.Bind(new UnixDomainSocketEndPoint(_work["queue/private/smtpd"]));
        _server.Listen(1);
        _ = Libc.chmod(_work["queue/private/smtpd"], 0b110_110_110);
        _ = Libc.chmod(Work, 0b111_101_101);
    }

    private string? Postmap(string table)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("postmap", ["-c", Directory, table]) { RedirectStandardError = true })!;
            var problem = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : problem;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "needs postmap of Postfix, which is not installed";
        }
    }

    private void Write(string name, string text) => File.WriteAllText(_work[name], text, Encoding.Latin1);

    private static string NameOf(string line) => line.Split('=')[0].Trim();

    private static string Unescape(string line) =>
        line.StartsWith("raw ", StringComparison.Ordinal) ? line[4..].Replace("\\t", "\t", StringComparison.Ordinal).Replace("\\_", " ", StringComparison.Ordinal) : line;

    private static IEnumerable<string> ReadWarnings(string golden) =>
        golden.Split('\n').Select(static line => Warning().Match(line)).Where(static match => match.Success).Select(static match => match.Groups[1].Value);

    [GeneratedRegex("^(?:postscreen|tlsproxy|dnsblog): (?:warning|error|fatal): (.*)$")]
    private static partial Regex Warning();
}
