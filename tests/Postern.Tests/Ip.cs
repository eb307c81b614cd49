using Postern.Core;

namespace Postern.Tests;

/// <summary>Addresses in tests, from text that is known to be good.</summary>
internal static class Ip
{
    public static IpAddress Of(string text)
    {
        Assert.True(IpAddress.TryParse(text, out var address), text);
        return address;
    }
}
