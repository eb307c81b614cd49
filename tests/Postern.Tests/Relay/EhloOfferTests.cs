using System.Text;
using Postern.Core.Relay;
using Postern.Core.Smtp;

namespace Postern.Tests.Relay;

public sealed class EhloOfferTests
{
    [Fact]
    public void Reads_keywords_the_size_and_XCLIENT()
    {
        var offer = Parse("250-dsn\r\n250-size 5000\r\n250-8BITMIME\r\n250-X-OTHER y\r\n250-XCLIENT NAME ADDR\r\n250 CHUNKING\r\n");

        Assert.Equal(EhloKeywords.Size | EhloKeywords.EightBitMime | EhloKeywords.XClient | EhloKeywords.Chunking, offer.Keywords);
        Assert.Equal((5000L, "NAME ADDR"), (offer.SizeLimit, offer.XclientAttributes));
    }

    [Fact]
    public void Two_servers_offer_what_both_offer()
    {
        var both = Parse("250-a\r\n250-SIZE 5000\r\n250 DSN\r\n").And(Parse("250-b\r\n250-SIZE\r\n250 CHUNKING\r\n"));

        Assert.Equal(new EhloOffer(EhloKeywords.Size, 5000, null), both);
    }

    [Fact]
    public void Mechanisms_are_words_and_those_of_both()
    {
        var offer = Parse("250-a\r\n250-AUTH PLAIN login <b> CRAM-MD5 X_A TOO-LONG-FOR-A-MECHANISM\r\n250 AUTH=OLD\r\n");

        Assert.Equal(["PLAIN", "login", "CRAM-MD5", "X_A"], offer.Mechanisms);
        Assert.Equal(["PLAIN", "login"], offer.And(Parse("250-b\r\n250 AUTH LOGIN PLAIN\r\n")).Mechanisms);
        Assert.Empty(offer.And(EhloOffer.Nothing).Mechanisms);
        Assert.True(Parse("250-a\r\n250 AUTH PLAIN\r\n") == Parse("250-a\r\n250 AUTH PLAIN\r\n"));
        Assert.False(Parse("250-a\r\n250 AUTH PLAIN\r\n") == Parse("250-a\r\n250 AUTH LOGIN\r\n"));
    }

    [Theory]
    [InlineData("250-SIZE 5000\r\n250 DSN\r\n", EhloKeywords.Dsn, 0, true)]
    [InlineData("250-SIZE 5000\r\n250 DSN\r\n", EhloKeywords.Chunking, 0, false)]
    [InlineData("250-SIZE 5000\r\n250 DSN\r\n", EhloKeywords.Vrfy, 0, true)] // the server may say no to a verb
    [InlineData("250-SIZE 5000\r\n250 DSN\r\n", EhloKeywords.Size, 5000, true)]
    [InlineData("250-SIZE 5000\r\n250 DSN\r\n", EhloKeywords.Size, 5001, false)]
    [InlineData("250-SIZE 5000\r\n250 DSN\r\n", EhloKeywords.Size, 0, false)]
    [InlineData("250-SIZE\r\n250 DSN\r\n", EhloKeywords.Size, 9_000_000, true)]
    public void A_promise_is_kept_or_not(string reply, EhloKeywords promised, long size, bool expected) =>
        Assert.Equal(expected, Parse("250-host\r\n" + reply).Keeps(new EhloOffer(promised, size, null)));

    private static EhloOffer Parse(string reply) => EhloOffer.Parse(new ServerReply(250, Encoding.Latin1.GetBytes(reply)));
}
