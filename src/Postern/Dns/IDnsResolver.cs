namespace Postern.Dns;

/// <summary>Looks names up in the DNS.</summary>
public interface IDnsResolver
{
    /// <param name="name">A domain name in presentation form; upper case and a final dot do not matter.</param>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled; nothing else is thrown.</exception>
    Task<DnsAnswer> LookUpAsync(string name, DnsType type, CancellationToken cancellation);
}
