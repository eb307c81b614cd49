using System.Diagnostics.CodeAnalysis;
using Postern.Core;
using Postern.Core.Config;

namespace Postern.Tests.Config;

/// <summary>A configuration directory in memory, on a machine with known facts.</summary>
internal sealed class ConfigDirectory : ITextFiles
{
    public const string Master = "smtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n";

    private readonly Dictionary<string, string> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _links = new(StringComparer.Ordinal);

    public HostFacts Host { get; init; } = new()
    {
        HostName = "mx.example.com",
        ProcessId = 4711,
        Addresses =
        [
            Own("127.0.0.1", 8), Own("192.0.2.5", 24), Own("::1", 128), Own("fd00::5", 64), Own("fe80::1234", 64),
        ],
        FindUser = static name => name switch { "root" => 0, "postfix" => 101, "nobody" => 65534, _ => null },
        FindGroup = static name => name switch { "root" => 0, "postdrop" => 102, _ => null },
        ResolveHost = static name => name switch
        {
            "localhost" => [Address("127.0.0.1"), Address("::1")],
            "mx.example.com" => [Address("192.0.2.5")],
            "far.example.com" => [Address("203.0.113.77")],
            _ => [],
        },
        FindPort = static name => name == "qmtp" ? 209 : null,
    };

    public ConfigDirectory(string main, string master = Master, string? own = null)
    {
        _files["/etc/postfix/main.cf"] = main;
        _files["/etc/postfix/master.cf"] = master;
        if (own is not null)
            _files["/etc/postfix/postern.cf"] = own;
    }

    public ConfigDirectory Add(string path, string text)
    {
        _files[path] = text;
        return this;
    }

    /// <summary>A file that is a link.</summary>
    public ConfigDirectory Link(string path, string target)
    {
        _links[path] = target;
        return this;
    }

    public string Resolve(string path) => _links.GetValueOrDefault(path, path);

    public ConfigDirectory Remove(string path)
    {
        _files.Remove(path);
        return this;
    }

    public Configuration Load() => Configuration.Load("/etc/postfix", this, Host);

    public bool TryRead(string path, [NotNullWhen(true)] out TextFile? file, [NotNullWhen(false)] out string? reason)
    {
        var found = _files.TryGetValue(path, out var text);
        (file, reason) = found ? (new TextFile(text!, Stamp(path)!.Value), null) : ((TextFile?)null, "No such file or directory");
        return found;
    }

    public FileStamp? Stamp(string path) => _files.TryGetValue(path, out var text) ? new FileStamp(1, text.Length, 1) : null;

    public static InterfaceAddress Own(string address, int prefixLength) => new(Address(address), prefixLength);

    public static IpAddress Address(string text)
    {
        Assert.True(IpAddress.TryParse(text, out var address));
        return address;
    }
}
