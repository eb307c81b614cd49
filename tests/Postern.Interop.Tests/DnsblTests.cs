using System.Diagnostics;

namespace Postern.Interop.Tests;

/// <summary>DNS lists, served by rbldnsd.</summary>
[Collection(nameof(InteropCollection))]
public sealed class DnsblTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("postern-dns-");
    private readonly int _port = MailHost.FreeUdpPort();
    private Process? _server;

    public void Dispose()
    {
        _server?.Kill();
        _server?.WaitForExit();
        _server?.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public void Listed_clients_are_refused_and_others_are_let_through()
    {
        using var host = Start("127.0.5.1 :127.0.0.2:x\n", "postscreen_dnsbl_sites = bl.lab", "postscreen_dnsbl_action = enforce");
        using var listed = host.Connect("127.0.5.1");
        using var clean = host.Connect("127.0.5.2");

        listed.ExpectGreeting();
        listed.Say("HELO spam.example", "250");
        listed.Say("MAIL FROM:<a@spam.example>", "250 2.1.0 Ok");
        listed.Say("RCPT TO:<b@lab.example>", "550 5.7.1 Service unavailable; client [127.0.5.1] blocked using bl.lab");
        listed.Say("QUIT", "221 2.0.0 Bye");
        clean.ExpectGreeting();
        clean.Say("QUIT", "221");

        host.WaitForLog("PASS NEW [127.0.5.2]");
        host.WaitForLog("DISCONNECT [127.0.5.1]");
        Assert.Matches(@"postfix/dnsblog\[\d+\]: addr 127\.0\.5\.1 listed by domain bl\.lab as 127\.0\.0\.2\n", host.Log);
        Assert.Matches(@"postfix/postscreen\[\d+\]: DNSBL rank 1 for \[127\.0\.5\.1\]:\d+\n", host.Log);
        Assert.DoesNotContain("PASS NEW [127.0.5.1]", host.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Error_codes_of_a_list_refuse_nobody()
    {
        using var host = Start("127.0.5.0/24 :127.255.255.254:public resolver\n", "postscreen_dnsbl_sites = bl.lab*3", "postscreen_dnsbl_action = drop");
        using var client = host.Connect("127.0.5.1");

        client.ExpectGreeting();
        client.Say("QUIT", "221");

        host.WaitForLog("PASS NEW [127.0.5.1]");
        Assert.Matches(@"postfix/postern\[\d+\]: warning: DNS list bl\.lab answers 127\.255\.255\.254, which does not count as a listing: asked through a public", host.Log);
    }

    [Fact]
    public void Other_lists_take_effect_without_a_restart()
    {
        using var host = Start("127.0.5.1 :127.0.0.2:x\n", "postscreen_dnsbl_sites = other.lab", "postscreen_dnsbl_action = drop");
        using (var early = host.Connect("127.0.5.1"))
        {
            early.ExpectGreeting();
            early.Say("QUIT", "221");
        }

        host.WaitForLog("lookup error for DNS query 1.5.0.127.other.lab: Host or domain name not found.");
        host.Configure("postscreen_dnsbl_sites = bl.lab", "postscreen_dnsbl_action = drop", "postscreen_cache_map =");
        host.Reload();
        using var listed = host.Connect("127.0.5.1");

        Assert.StartsWith("220-", listed.ReadLine());
        Assert.Equal("521 5.7.1 Service unavailable; client [127.0.5.1] blocked using bl.lab", listed.ReadLine());
    }

    private MailHost Start(string zone, params string[] parameters)
    {
        Tool.RequireRoot();
        Tool.Require("rbldnsd");
        if (OperatingSystem.IsLinux())
            File.SetUnixFileMode(_folder.FullName, (UnixFileMode)0b111_101_101);
        File.WriteAllText(Path.Combine(_folder.FullName, "zone"), "$SOA 600 ns.lab admin.lab 1 600 300 86400 120\n" + zone);
        _server = Tool.Start("rbldnsd", "-n", "-u", "nobody", "-b", $"127.0.0.1/{_port}", "-w", _folder.FullName, "bl.lab:ip4set:zone");
        return MailHost.Alone($"nameserver [127.0.0.1]:{_port}\noptions timeout:5 attempts:2\n", parameters);
    }
}
