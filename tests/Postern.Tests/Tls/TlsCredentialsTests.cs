using Postern.Core.Config;
using Postern.Tests.Storage;
using Postern.Tls;

namespace Postern.Tests.Tls;

public sealed class TlsCredentialsTests
{
    private static readonly TestCertificates Mine = TestCertificates.Create("mx.example.com");
    private static readonly TestCertificates Renewed = TestCertificates.Create("mx.example.com", elliptic: true);

    private static readonly TlsSettings Settings = TestCertificates.Settings;

    private readonly ChangingFiles _files = Mine.Files();
    private readonly FakeClock _clock = new();
    private readonly List<string> _log = [];

    [Fact]
    public void Files_are_looked_at_once_a_second()
    {
        var credentials = NewCredentials();
        Assert.False(credentials.TryGet(out _));
        var first = credentials.Refresh();

        (_files["/cert"], _files["/key"]) = (Renewed.Chain, Renewed.Key);

        Assert.True(credentials.TryGet(out var context));
        Assert.Same(first, context);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.False(credentials.TryGet(out _));
        Assert.NotSame(first, credentials.Refresh());
        Assert.Equal(["Info certificates have been read again"], _log);
    }

    [Fact]
    public void A_flawed_new_version_is_told_once_and_the_old_one_stays()
    {
        var credentials = NewCredentials();
        var first = credentials.Refresh();
        _files["/cert"] = Renewed.Chain; // the key follows later

        for (var i = 0; i < 3; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(2));
            Assert.Same(first, credentials.Refresh());
        }

        _files["/key"] = Renewed.Key;
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.NotSame(first, credentials.Refresh());
        Assert.Equal(
            ["Warning the key in /key does not belong to the first certificate in /cert -- the certificate read before stays in force", "Info certificates have been read again"],
            _log);
    }

    [Fact]
    public void What_root_has_read_stays_when_nobody_may_read_it_any_more()
    {
        var files = new PemFiles(_files);
        NewCredentials(files).Preload();
        _files["/key"] = null;

        Assert.NotNull(NewCredentials(files).Refresh());
        Assert.Empty(_log);
        NewCredentials(files).Preload(); // as a reload does

        Assert.Equal(["Warning error opening chain file: /key: Permission denied"], _log);
    }

    [Fact]
    public void Without_the_file_there_is_no_TLS_until_it_comes()
    {
        _files["/cert"] = null;
        var credentials = NewCredentials();

        Assert.Null(credentials.Refresh());
        Assert.Equal(["Warning error opening chain file: /cert: Permission denied"], _log);
        _files["/cert"] = Mine.Chain;
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.NotNull(credentials.Refresh());
    }

    [Fact]
    public void An_expired_certificate_is_told_by_the_check()
    {
        var old = TestCertificates.Create("mx.example.com", notAfter: new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        (_files["/cert"], _files["/key"]) = (old.Chain, old.Key);

        var (_, parameter, problem) = Assert.Single(TlsCredentials.Check(Settings, new PemFiles(_files), new DateTimeOffset(2026, 11, 24, 0, 0, 0, TimeSpan.Zero)));

        Assert.Equal(("smtpd_tls_cert_file", "the certificate in /cert is out of date since 2026-01-02"), (parameter, problem));
    }

    private TlsCredentials NewCredentials(PemFiles? files = null) =>
        new(Settings, files ?? new PemFiles(_files), _clock, (severity, text) => _log.Add($"{severity} {text}"));
}
