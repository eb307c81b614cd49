namespace Postern.Interop.Tests.Harness;

/// <summary>Courier's esmtpd, which knows neither the PROXY protocol nor XCLIENT. Mail stays in its queue, which no courierd works through.</summary>
internal sealed class Courier : IMailServer
{
    private readonly Overlaid _overlaid = new("courier", ["courier"]);

    public Courier()
    {
        _overlaid.MakeDirectory("lib");
        _overlaid.Start(
            $"""
            mount --bind "$0/lib" /var/lib && mount -t tmpfs none /run && cp -a "$1/var/lib/courier" /var/lib/
            mount -t tmpfs none /etc/courier && cp -a "$1/etc/courier/." /etc/courier/ && cd /etc/courier
            echo courier.lab.example >me && echo lab.example >esmtpacceptmailfor && echo localhost >locals
            chown -R courier:courier /var/lib/courier /etc/courier
            BOFHCHECKDNS=0 /usr/sbin/couriertcpd -user=courier -group=courier -nodnslookup -noidentlookup -maxprocs=40 -maxperc=40 -maxperip=40 -address=127.0.0.1 {Port} /usr/sbin/courieresmtpd &
            wait
            """, Port);
    }

    public int Port { get; } = MailHost.FreePort();

    public int DirectPort => Port;

    public string Announcement => "none";

    public string Log => _overlaid.Output;

    /// <summary>The control files of its queue, one a mail.</summary>
    public IReadOnlyList<string> Mails =>
        [.. Directory.EnumerateFiles(Path.Combine(_overlaid.Path, "lib/courier"), "C*", SearchOption.AllDirectories).Select(File.ReadAllText)];

    public string Trace(string client) => "";

    public void Dispose() => _overlaid.Dispose();
}
