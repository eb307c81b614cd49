using Postern.Core.Lanes;

namespace Postern.Tests.Lanes;

/// <summary>S25R's rules on names that they were made for, on honest servers, and on what is no name.</summary>
public sealed class GenericNamesTests
{
    [Theory]
    [InlineData("132-255-37-205.starman.net.br", "1 3")]
    [InlineData("static-200-105-212-198.acelerate.net", "1")]
    [InlineData("u148-34.static.grape.cz", "1")]
    [InlineData("p1234567.tokyo.ocn.example.jp", "2")]
    [InlineData("220.231.0.55.example.net", "3 5")]
    [InlineData("host.7.pool.isp.example.com", "3")]
    [InlineData("c1.p2-3.isp.example", "4")]
    [InlineData("pc7.area9.city.isp.example.jp", "5")]
    [InlineData("adsl12.example.net", "6")]
    [InlineData("xdsl7.isp.example.com", "6")]
    [InlineData("dhcp3.isp.example.com", "6")]
    [InlineData("ppp-a1.isp.example.com", "6")]
    [InlineData("dialup9.example.com", "6")]
    [InlineData("vdsl1.example.com", "6")]
    [InlineData("mail.example.com", "")]
    [InlineData("mx1.example.com", "")]
    [InlineData("mx01.mail.example.co.jp", "")]
    [InlineData("smtp-out-1.example.com", "")]
    [InlineData("out-17.smtp.github.com", "")]
    [InlineData("mailout08.t-online.de", "")]
    [InlineData("out1.mail.ruhr-uni-bochum.de", "")]
    [InlineData("mi024.mc1.hosteurope.de", "")]
    [InlineData("ironportin-lyk-3.it.gu.se", "")]
    [InlineData("gateway20.websitewelcome.com", "")]
    [InlineData("mail-yw1-f182.google.com", "1")]
    [InlineData("mail-io0-f178.google.com", "1")]
    [InlineData("mail-sn1nam02on0613.outbound.protection.outlook.com", "1")]
    [InlineData("mail-am6eur05rlyn2067.outbound.protection.outlook.com", "1")]
    [InlineData("NAM02-SN1-obe.outbound.protection.outlook.com", "1")]
    [InlineData("b224-8.smtp-out.eu-central-1.amazonses.com", "1")]
    [InlineData("a10-20.smtp-out.amazonses.com", "1")]
    [InlineData("mta12.m2.home.ne.jp", "5")]
    [InlineData("n2.59-106-41-68.mixi.jp", "4")]
    [InlineData("2001:db8::1", "")]
    [InlineData("192.0.2.1", "")]
    [InlineData("unknown", "")]
    public void Rules_of_a_name(string name, string rules)
    {
        Assert.Equal(rules, RulesOf(name));
        Assert.Equal(rules, RulesOf(name.ToUpperInvariant()));
        Assert.Equal(rules.Length == 0 ? 0 : rules[0] - '0', GenericNames.FirstRule(name));
    }


    private static string RulesOf(string name) =>
        string.Join(' ', Enumerable.Range(1, GenericNames.LastRule).Where(rule => GenericNames.Matches(rule, name)));
}
