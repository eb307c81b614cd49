using Postern.Dns;

namespace Postern.Receiver;

/// <summary>Asks the DNS whether a sender's domain could receive an answer: Postfix's reject_unknown_sender_domain.</summary>
internal static class SenderDomainCheck
{
    private static readonly DnsType[] AddressTypes = [DnsType.A, DnsType.Aaaa];

    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled.</exception>
    public static async Task<SenderVerdict> AskAsync(IDnsResolver resolver, string domain, CancellationToken cancellation)
    {
        var exchangers = await resolver.LookUpAsync(domain, DnsType.Mx, cancellation).ConfigureAwait(false);
        switch (exchangers.Outcome)
        {
            case DnsOutcome.Found:
                foreach (var exchanger in exchangers.Records)
                {
                    if (exchanger.Target.Length == 0)
                        return SenderVerdict.NullMx;
                }

                return SenderVerdict.Accepted;
            case DnsOutcome.NoSuchName:
                return SenderVerdict.NotFound;
            case DnsOutcome.TemporaryFailure:
                return SenderVerdict.Unknown;
        }

        // Without mail exchangers, mail goes to the address of the name itself (RFC 5321 §5.1).
        var uncertain = false;
        foreach (var type in AddressTypes)
        {
            var addresses = await resolver.LookUpAsync(domain, type, cancellation).ConfigureAwait(false);
            if (addresses.Outcome == DnsOutcome.Found)
                return SenderVerdict.Accepted;
            uncertain |= addresses.Outcome == DnsOutcome.TemporaryFailure;
        }

        return uncertain ? SenderVerdict.Unknown : SenderVerdict.NotFound;
    }
}
