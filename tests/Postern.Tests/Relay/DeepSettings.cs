using Postern.Core.Config;
using Postern.Tests.Tls;

namespace Postern.Tests.Relay;

/// <summary>A service without a greet wait, with a test after the greeting: what clients meet that go on in mid-session.</summary>
internal static class DeepSettings
{
    public static readonly Settings Plain = new()
    {
        GreetBanner = "",
        Banner = "mx ESMTP",
        MyHostname = "mx",
        BareNewlineEnable = true,
        BareNewlineAction = FailAction.Enforce,
    };

    /// <summary>With STARTTLS; the certificate is one of <see cref="TestCertificates.Files"/>.</summary>
    public static readonly Settings WithTls = Plain with { TlsLevel = TlsLevel.May, Tls = TestCertificates.Settings };
}
