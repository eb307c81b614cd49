using Postern.Core;
using Postern.Core.Tables;
using Postern.Tests.Config;

namespace Postern.Tests.Tables;

public sealed class Utf8TableTests
{
    private const string Why = "malformed UTF-8 or invalid codepoint";
    private readonly WarningList _warnings = new();

    [Theory]
    [InlineData("permit \u00c3\u00a9", LookupStatus.Found)]
    [InlineData("permit", LookupStatus.Found)]
    [InlineData("\u00e9", LookupStatus.Error)]
    [InlineData("\u00ed\u00a0\u0080", LookupStatus.Error)]
    public void A_value_that_is_not_UTF8_is_an_error(string value, LookupStatus status)
    {
        var table = Open($"static:{value}", smtpUtf8: true);

        Assert.Equal(status, table.Lookup("a", _warnings).Status);
        if (status == LookupStatus.Error)
            Assert.Equal([$"static:{value}: key \"a\": non-UTF-8 value \"{value}\": {Why}"], _warnings.Take());
        Assert.True(IpAddress.TryParse("192.0.2.1", out var address));
        Assert.Equal(status, table.Lookup(address, _warnings).Status);
    }

    [Fact]
    public void A_key_that_is_not_UTF8_is_not_there()
    {
        Assert.Equal(LookupResult.NotFound, Open("static:x", smtpUtf8: true).Lookup("\u00e9", _warnings));
        Assert.Equal([$"static:x: non-UTF-8 key \"\u00e9\": {Why}"], _warnings.Texts);
    }

    [Fact]
    public void Without_SMTPUTF8_bytes_are_bytes()
    {
        Assert.Equal(LookupResult.Found("\u00e9"), Open("static:\u00e9", smtpUtf8: false).Lookup("\u00e9", _warnings));
        Assert.Empty(_warnings.Texts);
    }

    /// <summary>As an access list of such a configuration opens it.</summary>
    private ILookupTable Open(string spec, bool smtpUtf8)
    {
        var configuration = new ConfigDirectory($"compatibility_level = 3.6\nsmtputf8_enable = {(smtpUtf8 ? "yes" : "no")}\n").Load();
        return configuration.Tables.OpenUtf8(spec, foldCase: false, _warnings);
    }
}
