using Postern.Core.Tables;
using Postern.Core.Versions;
using Postern.Tables;
using Postern.Tests.Tables;

namespace Postern.Tests.Memcache;

public sealed class MemcacheTableTests
{
    private readonly RecordedWarnings _warnings = new();

    [Fact]
    public void Answers_with_what_the_server_has()
    {
        using var server = new FakeMemcached(static line => FakeMemcached.Bytes(line == "get a" ? "VALUE a 0 6\r\nreject\r\nEND\r\n" : "END\r\n"));
        var table = Open(server.Port, "");

        Assert.Equal(LookupResult.Found("reject"), table.Lookup("a", _warnings));
        Assert.Equal(LookupResult.NotFound, table.Lookup("b", _warnings));
        Assert.Empty(_warnings.Texts);
    }

    [Fact]
    public void Without_a_server_a_lookup_is_an_error_or_the_backups_answer()
    {
        int port;
        using (var server = new FakeMemcached(static _ => null))
            port = server.Port;

        Assert.Equal(LookupResult.Error, Open(port, "").Lookup("a", _warnings));
        Assert.Equal(LookupResult.Found("permit"), Open(port, "backup = static:permit").Lookup("a", _warnings));
        Assert.Equal(Enumerable.Repeat($"connect to 127.0.0.1:{port}: Connection refused", 2), _warnings.Texts);
    }

    [Fact]
    public void What_the_backup_knows_the_server_learns()
    {
        using var server = new FakeMemcached(static line => line switch
        {
            "get a" => FakeMemcached.Bytes("END\r\n"),
            "permit" => FakeMemcached.Bytes("STORED\r\n"),
            _ => null,
        });

        Assert.Equal(LookupResult.Found("permit"), Open(server.Port, "backup = static:permit").Lookup("a", _warnings));

        Assert.Equal(["get a", "set a 0 3600 6", "permit"], server.Lines);
        Assert.Empty(_warnings.Texts);
    }

    private MemcacheTable Open(int port, string more)
    {
        var source = new TableSource("memcache:/f", "/f", FakeTextFiles.Reader($"memcache = inet:127.0.0.1:{port}\ntimeout = 20\n{more}\n"), FoldCase: true, DuplicateKeys.Refused);
        var table = MemcacheTable.Parse(source, PostfixVersion.Base, spec => StaticTable.Parse(new TableSource(spec, spec[7..], null, false, DuplicateKeys.Refused), _warnings, out _)!, _warnings, out var problem, TimeSpan.FromSeconds(20));
        Assert.Null(problem);
        return table!;
    }
}
