namespace Postern.Interop.Tests;

/// <summary><c>postern_provider_passes</c> with a real name server (dnsmasq) that publishes SPF policies, and real Postfix.</summary>
[Collection(nameof(InteropCollection))]
public sealed class ProviderTests : IDisposable
{
    private const string OfBig = "127.0.7.11", OfTrusted = "127.0.7.21", ByName = "127.0.7.31", Stranger = "127.0.7.41";

    private readonly Dnsmasq _names = Dnsmasq.Start(
        [("mx.big.lab", "127.0.7.12"), ($"{ByName}._spf.asks.lab", "127.0.0.2")],
        [],
        "--txt-record=big.lab,v=spf1 include:_spf.big.lab mx -all", "--txt-record=_spf.big.lab,v=spf1 ip4:127.0.7.8/30 ~all", "--mx-host=big.lab,mx.big.lab",
        "--txt-record=trusted.lab,v=spf1 ip4:127.0.7.21 -all", "--txt-record=asks.lab,v=spf1 exists:%{i}._spf.asks.lab -all", "--txt-record=open.lab,v=spf1 +all");

    public void Dispose() => _names.Dispose();

    [Fact]
    public void Servers_of_a_provider_need_no_deep_tests_and_others_do()
    {
        using var host = Start("postern_provider_passes = big.lab, trusted.lab=permit, asks.lab, open.lab");
        host.WaitForLog("provider open.lab: the SPF policy of open.lab passes everybody -- its servers are tested like any client");
        Wait.Until(() => Providers(host).Split(", read 2").Length == 4, () => Providers(host));

        host.Connect(ByName).Dispose(); // DNS is asked about it; the answer is there long before it comes back
        foreach (var client in (string[])[OfBig, "127.0.7.12", OfTrusted, ByName])
        {
            using var talk = host.Connect(client);
            talk.ExpectGreeting();
            Assert.True(talk.SendMail("a@good.example", "box@lab.example", client)?.StartsWith("250", StringComparison.Ordinal), client + host.LogEnd);
        }

        using (var talk = host.Connect(Stranger))
        {
            talk.ExpectGreeting();
            Assert.StartsWith("450 4.3.2", talk.SendMail("a@good.example", "box@lab.example", "stranger"));
        }

        host.WaitForMails(4);
        Assert.Contains($"PROVIDER PASS [{OfBig}]:", host.Log, StringComparison.Ordinal);
        Assert.Contains("PROVIDER PASS [127.0.7.12]:", host.Log, StringComparison.Ordinal);
        Assert.Contains($"PROVIDER PASS [{ByName}]:", host.Log, StringComparison.Ordinal);
        Assert.Contains($"PROVIDER PERMIT [{OfTrusted}]:", host.Log, StringComparison.Ordinal);
        Assert.DoesNotContain($"PROVIDER PASS [{Stranger}]:", host.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_policy_counts_while_DNS_is_silent()
    {
        using var host = Start("postern_provider_passes = big.lab");
        Wait.Until(() => Providers(host).Contains("read 2", StringComparison.Ordinal), () => Providers(host));
        _names.Dispose();

        using var talk = host.Connect(OfBig);
        talk.ExpectGreeting();
        Assert.StartsWith("250", talk.SendMail("a@good.example", "box@lab.example", "DNS is away"));

        Assert.Contains($"PROVIDER PASS [{OfBig}]:", host.Log, StringComparison.Ordinal);
    }

    private static string Providers(MailHost host) => PosternProcess.Run("providers", "-c", host.ConfigDirectory).Output;

    private MailHost Start(params string[] parameters)
    {
        var host = MailHost.WithPostfix(
            ["postscreen_greet_wait = 2s", "postscreen_greet_action = enforce", "postscreen_pipelining_enable = yes", "postern_control_socket = $data_directory/control", .. parameters]);
        host.UseResolvConf(_names.ResolvConf);
        host.StartPostern();
        return host;
    }
}
