using System.Text.Json;
using Postern.Core;
using Postern.Core.Config;

namespace Postern.Tests.Config;

public sealed class HostPortTests
{
    public static TheoryData<string, string?, string?, string?> Vectors()
    {
        using var vectors = Load("host_port.json");
        var cases = new TheoryData<string, string?, string?, string?>();
        foreach (var one in vectors.RootElement.GetProperty("cases").EnumerateArray())
            cases.Add(one.GetProperty("input").GetString()!, Text(one, "host"), Text(one, "port"), Text(one, "error"));
        return cases;
    }

    public static TheoryData<string, bool, bool, string?> Names()
    {
        using var vectors = Load("hostname_syntax.json");
        var cases = new TheoryData<string, bool, bool, string?>();
        foreach (var one in vectors.RootElement.GetProperty("cases").EnumerateArray())
            cases.Add(
                one.GetProperty("name").GetString()!,
                one.GetProperty("hostname_ok").GetBoolean(),
                one.GetProperty("address_ok").GetBoolean(),
                Text(one, "hostname_reason"));
        return cases;
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Endpoint_of_the_vector(string input, string? host, string? port, string? error)
    {
        var succeeded = HostPort.TryParse(input, defaultHost: null, "default-service", out var result, out var problem);

        Assert.Equal(error, problem);
        if (succeeded)
            Assert.Equal(new HostPort(host!, port!), result);
    }

    [Theory]
    [InlineData("smtp", "", "smtp")]
    [InlineData(":2525", "", "2525")]
    [InlineData("127.0.0.1:25", "127.0.0.1", "25")]
    [InlineData("[IPv6:2001:db8::1]:25", "2001:db8::1", "25")]
    public void Service_name_of_master_cf(string input, string host, string port)
    {
        Assert.True(HostPort.TryParse(input, "", defaultPort: null, out var result, out var problem), problem);
        Assert.Equal(new HostPort(host, port), result);
    }

    [Theory]
    [InlineData("[::1", "missing \"]\"")]
    [InlineData("[::1]25", "garbage after \"]\"")]
    [InlineData("localhost:", "missing service information")]
    public void Service_name_that_master_cf_refuses(string input, string expected)
    {
        Assert.False(HostPort.TryParse(input, "", defaultPort: null, out _, out var problem));
        Assert.Equal(expected, problem);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Host_name_of_the_vector(string name, bool isHostName, bool isAddress, string? reason)
    {
        Assert.Equal(reason, HostNameSyntax.Problem(name));
        Assert.Equal(isHostName, HostNameSyntax.Problem(name) is null);
        Assert.Equal(isAddress, HostNameSyntax.IsAddress(name));
    }

    private static string? Text(JsonElement element, string property) =>
        element.TryGetProperty(property, out var value) ? value.GetString() : null;

    private static JsonDocument Load(string file) =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Vectors", file)));
}
