using System.Diagnostics;

namespace Postern.Interop.Tests.Harness;

/// <summary>
/// Exim, which takes mail and keeps it in its queue. Debian's package conflicts with that of Postfix, so it is unpacked into a
/// directory, with the libraries it needs, and run from there, with a user of its own in a passwd file of its own.
/// </summary>
internal sealed class Exim : IMailServer
{
    // The user joe with the password secret.
    private const string IsJoe = "${if and{{eq{$auth2}{joe}}{eq{$auth3}{secret}}}}";

    private readonly string _directory = Directory.CreateTempSubdirectory("postern-exim-").FullName;
    private readonly Process _process;

    private Exim(string program, string libraries, Certificates certificates, bool knowsProxy)
    {
        Tool.Must("chmod", "0755", _directory);
        foreach (var folder in (string[])["spool", "log"])
            Directory.CreateDirectory(Path.Combine(_directory, folder));
        File.WriteAllText(Path.Combine(_directory, "passwd"), File.ReadAllText("/etc/passwd") + "Debian-exim:x:65533:65533::/:/usr/sbin/nologin\n");
        File.WriteAllText(Path.Combine(_directory, "group"), File.ReadAllText("/etc/group") + "Debian-exim:x:65533:\n");
        File.WriteAllText(Path.Combine(_directory, "exim.conf"), Configuration(program, certificates, knowsProxy));
        Tool.Must("chown", "-R", "65533:65533", Path.Combine(_directory, "spool"), Path.Combine(_directory, "log"));
        const string run = "cd \"$0\" && mount --bind passwd /etc/passwd && mount --bind group /etc/group && export LD_LIBRARY_PATH=\"$2\" && exec \"$1\" -C \"$0/exim.conf\" -bdf";
        _process = Tool.Start("unshare", ["--mount", "sh", "-c", run, _directory, program, libraries]);
        Wait.Until(() => _process.HasExited || Log.Contains("daemon started", StringComparison.Ordinal), () => "Exim does not start: " + Log);
        Assert.False(_process.HasExited, $"Exim has ended: {Log}");
    }

    public int Port { get; } = MailHost.FreePort();

    public int DirectPort => Port;

    public string Announcement => "proxy-v2";

    public string Log => string.Concat(Directory.EnumerateFiles(Path.Combine(_directory, "log")).Select(File.ReadAllText));

    /// <summary>The header files of its queue, one a mail.</summary>
    public IReadOnlyList<string> Mails => Directory.Exists(Path.Combine(_directory, "spool/input"))
        ? [.. Directory.EnumerateFiles(Path.Combine(_directory, "spool/input"), "*-H").Select(File.ReadAllText)]
        : [];

    public string Trace(string client) => $@"<= a@good\.example .*\[{client}\]";

    /// <summary>Starts it; skips the test where its packages cannot be had.</summary>
    /// <param name="certificates">For STARTTLS.</param>
    /// <param name="knowsProxy">Whether it wants the PROXY protocol.</param>
    public static Exim Start(Certificates certificates, bool knowsProxy = true)
    {
        var unpacked = Unpacked.Debian("exim");
        return new Exim(unpacked + "/usr/sbin/exim4", $"{unpacked}/usr/lib/{MultiarchName}:{unpacked}/usr/lib", certificates, knowsProxy);
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static string MultiarchName =>
        System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture is System.Runtime.InteropServices.Architecture.X64 ? "x86_64-linux-gnu" : "aarch64-linux-gnu";

    private string Configuration(string program, Certificates certificates, bool knowsProxy) => $"""
        primary_hostname = exim.lab.example
        exim_path = {program}
        queue_only = true
        local_interfaces = 127.0.0.1
        daemon_smtp_ports = {Port}
        hosts_proxy = {(knowsProxy ? "127.0.0.1" : "")}
        host_lookup =
        rfc1413_hosts =
        tls_advertise_hosts = *
        tls_certificate = {certificates.CopyFor("65533", _directory)}
        helo_allow_chars = _
        keep_environment = LD_LIBRARY_PATH
        spool_directory = {_directory}/spool
        log_file_path = {_directory}/log/%slog
        acl_smtp_rcpt = check_rcpt
        begin acl
        check_rcpt:
          accept domains = lab.example
          accept authenticated = *
          deny message = relay not permitted
        begin authenticators
        plain:
          driver = plaintext
          public_name = PLAIN
          server_prompts = :
          server_condition = {IsJoe}
          server_set_id = $auth2

        """;
}
